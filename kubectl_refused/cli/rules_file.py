"""`.kubectl-refused.yaml`: what is to be ignored (schema: kubectl_refused/config.schema.json).

Every mistake is one line with file, line and column. Reads text only: whoever calls opens the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, NoReturn

import yaml

from kubectl_refused.causes.names import cause_called, instead_of
from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.gaps import Gap
from kubectl_refused.text import one_line
from kubectl_refused.trace.ignores import IgnoreRule
from kubectl_refused.trace.nearest import did_you_mean

LARGEST = 1_000_000  # bytes
MOST_RULES = 1000
_TAG = "tag:yaml.org,2002:"
_ENTRY = ("cause", "namespace", "service", "reason", "until")
_NEEDED = ("cause", "reason")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Place:
    """Where a value stands, for messages."""

    def __init__(self, file: str, node: Any) -> None:
        mark = node.start_mark
        self.at = f"{shown(file)}:{mark.line + 1}:{mark.column + 1}"
        self.line = f"{shown(file)}:{mark.line + 1}"

    def wrong(self, says: str, instead: str) -> NoReturn:
        """Raise UsageProblem."""
        raise UsageProblem(f"{self.at}: {says}", instead)


class Rules(NamedTuple):
    """The rules that hold, and a gap for each that has run out."""

    rules: tuple[IgnoreRule, ...] = ()
    expired: tuple[Gap, ...] = ()


def rules_of(data: bytes, file: str, *, today: date) -> Rules:
    """The rules in the file's text. Raises UsageProblem."""
    if len(data) > LARGEST:
        raise UsageProblem(f"{shown(file)} is larger than {LARGEST} bytes", "keep rules only in it")
    root = _root(data, file)
    if root is None or _is_null(root):
        return Rules()
    top = _mapping(root, file, "the file", ("ignore",))
    entries = _sequence(top["ignore"], file, "ignore") if "ignore" in top else []
    if len(entries) > MOST_RULES:
        Place(file, entries[MOST_RULES]).wrong(f"there are more than {MOST_RULES} rules", "use patterns")
    rules = [_rule(node, file, today) for node in entries]
    return Rules(
        tuple(rule for rule in rules if isinstance(rule, IgnoreRule)),
        tuple(rule for rule in rules if isinstance(rule, Gap)),
    )


def _root(data: bytes, file: str) -> Any:
    """The file's only document, as nodes with their places."""
    try:
        nodes = list(yaml.compose_all(data, Loader=_LOADER))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{shown(file)}:{mark.line + 1}:{mark.column + 1}" if mark else shown(file)
        why = one_line(getattr(error, "problem", None) or str(error))
        raise UsageProblem(f"{at}: not valid YAML: {why}") from None
    if len(nodes) > 1:
        Place(file, nodes[1]).wrong("a second document begins", "keep everything in one")
    return nodes[0] if nodes else None


def _rule(node: Any, file: str, today: date) -> IgnoreRule | Gap:
    """The rule of one entry, or a gap that says when it has run out."""
    entry, place = _mapping(node, file, "a rule", _ENTRY), Place(file, node)
    for key in _NEEDED:
        if key not in entry:
            place.wrong(f"the rule has no {key}", f"add {key}: {'NAME' if key == 'cause' else 'WHY'}")
    text = {key: _text(value, file, key) for key, value in entry.items()}
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


def _mapping(node: Any, file: str, what: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    place = Place(file, node)
    if not isinstance(node, yaml.MappingNode):
        place.wrong(f"{what} is {_kind(node)}", f"write it as {', '.join(f'{key}: …' for key in keys[:2])}")
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name not in keys:
            instead = did_you_mean(str(name), keys, f"known are {', '.join(keys)}")
            Place(file, key).wrong(f"unknown key '{shown(str(name))}'", instead)
        if name in found:
            Place(file, key).wrong(f"{name} is there twice", "leave one away")
        found[name] = value
    return found


def _sequence(node: Any, file: str, key: str) -> list[Any]:
    if _is_null(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        Place(file, node).wrong(f"{key} is {_kind(node)}", "write a list: each rule begins with a dash")
    return list(node.value)


def _text(node: Any, file: str, key: str) -> str:
    """A scalar as it is written: a date too is text here."""
    plain = isinstance(node, yaml.ScalarNode) and node.tag in (f"{_TAG}str", f"{_TAG}timestamp")
    if not plain or not node.value.strip():
        Place(file, node).wrong(f"{key} is {_kind(node)}", "write text")
    return one_line(node.value)


def _is_null(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"


def _kind(node: Any) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    names = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false", "null": "empty"}
    name = names.get(node.tag.removeprefix(_TAG), "text")
    return "empty" if name == "text" and not node.value.strip() else name
