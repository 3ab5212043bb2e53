"""Causes at this hop of the path, one file each."""
