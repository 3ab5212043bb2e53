"""This machine as a source: readers held against recorded output, sockets against real listeners."""
