"""Tests of kubectl_refused.trace."""
