"""Faults of the host that was reached: its sockets, its services."""
