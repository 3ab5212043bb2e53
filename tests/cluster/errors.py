"""The harness's one exception: its text is for a person and needs no traceback."""

from __future__ import annotations


class ClusterError(Exception):
    """The cluster cannot do what was asked; the message says why in one or a few lines."""
