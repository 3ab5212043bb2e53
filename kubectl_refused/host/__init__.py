"""This machine as a source: its sockets, packet filters and services. Everything is only read."""
