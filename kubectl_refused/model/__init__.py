"""Frozen values only; imports nothing of ours."""
