"""Label selectors as the API server takes them (apimachinery pkg/labels/selector.go). Pure."""

from __future__ import annotations

import re

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.objects import LabelRequirement, LabelSelector
from kubectl_refused.patterns import lazily

# validation.go, IsQualifiedName and IsValidLabelValue: a prefix is a DNS subdomain, a name and a value have 63
# characters at most.
_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_KEY = rf"(?:(?=[^/]{{1,253}}/){_LABEL}(?:\.{_LABEL})*/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_VALUES = rf"\(\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*\)"
_ALONE = lazily(rf"(!?)\s*({_KEY})", re.ASCII)
_EQUAL = lazily(rf"({_KEY})\s*(==?|!=)\s*({_VALUE})", re.ASCII)
_SET = lazily(rf"({_KEY})\s+((?:not)?in)\s*({_VALUES})", re.ASCII)
_ORDER = lazily(rf"{_KEY}\s*[<>]\s*-?[0-9]+", re.ASCII)
_FORMS = (_ALONE, _EQUAL, _SET, _ORDER)
_COMMA = lazily(r",(?![^()]*\))")  # of one outside parentheses


def check_selector(text: str, option: str) -> str:
    """`text` if it selects by labels. Raises UsageProblem."""
    for part in _parts(text):
        if not any(form.fullmatch(part) for form in _FORMS):
            says = f"{option} {shown(text)}: '{shown(part)}' selects nothing by a label"
            raise UsageProblem(says, f"type {option} app=web,tier!=db or {option} 'app in (web,api)'")
    return text


def parse_selector(text: str, option: str = "-l") -> LabelSelector:
    """The LabelSelector, for objects of files. Raises UsageProblem; an empty text selects everything."""
    check_selector(text, option)
    return LabelSelector(match_expressions=tuple(_requirement(part, option) for part in _parts(text)))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _COMMA.split(text)] if text.strip() else []


def _requirement(part: str, option: str) -> LabelRequirement:
    if found := _EQUAL.fullmatch(part):
        return LabelRequirement(key=found[1], operator="NotIn" if found[2] == "!=" else "In", values=(found[3],))
    if found := _SET.fullmatch(part):
        values = tuple(value.strip() for value in found[3].strip("()").split(","))
        return LabelRequirement(key=found[1], operator={"in": "In", "notin": "NotIn"}[found[2]], values=values)
    if found := _ALONE.fullmatch(part):
        return LabelRequirement(key=found[2], operator="DoesNotExist" if found[1] else "Exists")
    # A LabelSelector has no such operators (meta/v1 types.go, LabelSelectorOperator).
    raise UsageProblem(f"{option} '{shown(part)}' compares numbers, which files cannot", f"type {option} app=web")
