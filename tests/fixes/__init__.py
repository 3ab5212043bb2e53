"""Tests of kubectl_refused.fixes."""
