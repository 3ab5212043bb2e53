"""Tests of kubectl_refused/recordings."""
