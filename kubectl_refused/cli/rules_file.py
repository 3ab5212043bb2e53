"""The rules of `.kubectl-refused.yaml`: what is to be ignored. Reads text only: whoever calls opens the file."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from kubectl_refused.causes.names import cause_called, instead_of
from kubectl_refused.errors import shown
from kubectl_refused.model.gaps import Gap
from kubectl_refused.trace.ignores import IgnoreRule

from .config_file import Place, mapping, sections_of, sequence, text_of

MOST_RULES = 1000
_ENTRY = ("cause", "namespace", "service", "reason", "until")
_NEEDED = ("cause", "reason")


class Rules(NamedTuple):
    """The rules that hold, and a gap for each that has run out."""

    rules: tuple[IgnoreRule, ...] = ()
    expired: tuple[Gap, ...] = ()


def rules_of(data: bytes, file: str, *, today: date) -> Rules:
    """The rules in the file's text. Raises UsageProblem."""
    top = sections_of(data, file)
    entries = sequence(top["ignore"], file, "ignore") if "ignore" in top else []
    if len(entries) > MOST_RULES:
        Place(file, entries[MOST_RULES]).wrong(f"there are more than {MOST_RULES} rules", "use patterns")
    rules = [_rule(node, file, today) for node in entries]
    return Rules(
        tuple(rule for rule in rules if isinstance(rule, IgnoreRule)),
        tuple(rule for rule in rules if isinstance(rule, Gap)),
    )


def _rule(node: Any, file: str, today: date) -> IgnoreRule | Gap:
    """The rule of one entry, or a gap that says when it has run out."""
    entry, place = mapping(node, file, "a rule", _ENTRY), Place(file, node)
    for key in _NEEDED:
        if key not in entry:
            place.wrong(f"the rule has no {key}", f"add {key}: {'NAME' if key == 'cause' else 'WHY'}")
    text = {key: text_of(value, file, key) for key, value in entry.items()}
    cause = text["cause"]
    if cause_called(cause) is None:
        Place(file, entry["cause"]).wrong(f"there is no cause '{shown(cause)}'", instead_of(cause))
    if "until" in text and _day(text["until"], Place(file, entry["until"])) < today:
        return Gap(f"rule {place.line}", f"{cause} is ignored until {text['until']} only", "take it out")
    return IgnoreRule(cause, place.line, text.get("namespace", "*"), text.get("service", "*"), text["reason"])


def _day(text: str, place: Place) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        place.wrong(f"until '{shown(text)}' is no date", "write it like 2027-01-31")
