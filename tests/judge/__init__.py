"""Tests of kubectl_refused.judge."""
