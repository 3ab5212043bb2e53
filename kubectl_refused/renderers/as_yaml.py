"""`-o yaml`: the same data as `-o json`."""

from __future__ import annotations

from typing import TextIO

import msgspec
import yaml

from kubectl_refused.model.report import Report

from .base import Style
from .data import as_text, encodable

_ONE_LINE = 1 << 30  # cells: the emitter folds no string


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write YAML in the report's own order; in ASCII escapes if any character would steer a terminal."""
    text = as_text(report)
    # as_text escapes what steers a terminal, PyYAML holds some of it (U+202E) printable: then escape all.
    harmless = "\\u" not in text and encodable(text, out.encoding)
    data = msgspec.json.decode(text)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    out.write(yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=harmless, width=_ONE_LINE))
