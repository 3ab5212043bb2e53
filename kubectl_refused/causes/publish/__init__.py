"""Faults of the way to a container: names, networks, and how its ports are published."""
