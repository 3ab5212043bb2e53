"""Faults between the client and the host: its name, its address, the way there."""
