"""One file per output format, as_<format>.py; nobody else prints. Adding a format edits no existing file."""

from .base import Renderer, Style, named, names

__all__ = ["Renderer", "Style", "named", "names"]
