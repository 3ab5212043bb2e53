"""A label selector as people type it (`app=web,tier!=db,env in (a,b),!canary`), as the API server reads it.

The grammar is that of apimachinery pkg/labels (selector.go, Parse).
"""

from __future__ import annotations

import re

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.objects import LabelRequirement, LabelSelector

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,300}[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9_.-]{0,63}"
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([A-Za-z0-9_.,\s-]*)\)")
_ALONE = re.compile(rf"(!?)\s*({_KEY})")
_COMMA = re.compile(r",(?![^(]*\))")  # none within the brackets of a set


def parse_selector(text: str) -> LabelSelector:
    """The LabelSelector. Raises UsageProblem; an empty text selects everything."""
    parts = [part.strip() for part in _COMMA.split(text)] if text.strip() else []
    return LabelSelector(match_expressions=tuple(_requirement(part) for part in parts))


def _requirement(part: str) -> LabelRequirement:
    if found := _EQUAL.fullmatch(part):
        return LabelRequirement(key=found[1], operator="NotIn" if found[2] == "!=" else "In", values=(found[3],))
    if found := _SET.fullmatch(part):
        values = tuple(value.strip() for value in found[3].split(","))
        return LabelRequirement(key=found[1], operator={"in": "In", "notin": "NotIn"}[found[2]], values=values)
    if found := _ALONE.fullmatch(part):
        return LabelRequirement(key=found[2], operator="DoesNotExist" if found[1] else "Exists")
    raise UsageProblem(f"--selector: {shown(part) or 'an empty part'} selects no labels", "type app=web,tier!=db")
