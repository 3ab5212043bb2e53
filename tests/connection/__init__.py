"""Tests of the connection package: against a fake API server on loopback, and beside the real kubectl."""
