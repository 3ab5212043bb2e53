"""Packet filters: this machine's own rules, and those on the way."""
