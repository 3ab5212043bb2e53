"""Durations as kubectl writes them: 90s, 10m, 1h30m, and plain seconds."""

from __future__ import annotations

import re

from kubectl_refused.errors import UsageProblem, shown

_PART = r"(\d+(?:\.\d+)?)(h|m|s)"  # Go's durations, without the small units
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = 7 * 24 * 3600.0  # seconds; beyond it a duration is a slip


def seconds_of(text: str, option: str) -> float:
    """Seconds of a duration that `option` was given. Raises UsageProblem."""
    seconds = float(text) if re.fullmatch(r"[0-9]{1,9}", text) else _summed(text, option)
    if seconds > LONGEST:
        raise UsageProblem(f"{option} {shown(text)} is longer than a week", f"type {option} 10m")
    return seconds


def _summed(text: str, option: str) -> float:
    if not re.fullmatch(f"(?:{_PART})+", text, re.ASCII):
        raise UsageProblem(f"{option} {shown(text)} is no duration", f"type a number with s, m or h: {option} 10m")
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))
