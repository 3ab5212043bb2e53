"""Tests of what asks a container engine, without one; tests/live/test_docker.py has a real one."""
