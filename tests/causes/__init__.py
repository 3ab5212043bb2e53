"""Tests of single causes beyond their cases."""
