"""Faults of the processes in a container, seen by its sockets."""
