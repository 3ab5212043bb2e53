"""Faults of a container itself: its state."""
