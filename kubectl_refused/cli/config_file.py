"""`.kubectl-refused.yaml` as nodes that know where they stand (schema: kubectl_refused/config.schema.json).

Every mistake is one line with file, line and column. rules_file.py reads its rules, defaults.py its defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.text import one_line
from kubectl_refused.trace.nearest import did_you_mean

from .defaults import DEFAULT_FILE

LARGEST = 1_000_000  # bytes
_SECTIONS = ("ignore", "defaults")
_TAG = "tag:yaml.org,2002:"
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


def read_config(named: str | None) -> tuple[bytes, str]:
    """The text and the path of the file named, or of the one in the working directory, empty where none is.

    Raises UsageProblem.
    """
    path = Path(named or DEFAULT_FILE)
    if named is None and not path.is_file():
        return b"", str(path)
    try:
        return path.read_bytes(), str(path)
    except OSError as problem:
        why = f"{shown(str(path))} cannot be read: {problem.strerror}"
    except ValueError:  # a null byte
        why = f"{shown(str(path))} is no file name"
    raise UsageProblem(why, "name it with --config")


def sections_of(data: bytes, file: str) -> Mapping[str, Any]:
    """The nodes of the file's sections, by name. Raises UsageProblem."""
    if len(data) > LARGEST:
        raise UsageProblem(f"{shown(file)} is larger than {LARGEST} bytes", "keep rules and defaults only in it")
    root = _root(data, file) if data else None
    return {} if root is None or is_null(root) else mapping(root, file, "the file", _SECTIONS)


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


def mapping(node: Any, file: str, what: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """The nodes of a mapping by key, of which each is known and there once. Raises UsageProblem."""
    place = Place(file, node)
    if not isinstance(node, yaml.MappingNode):
        place.wrong(f"{what} is {kind(node)}", f"write it as {', '.join(f'{key}: …' for key in keys[:2])}")
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


def sequence(node: Any, file: str, key: str) -> list[Any]:
    """The nodes of a list; of nothing too. Raises UsageProblem."""
    if is_null(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        Place(file, node).wrong(f"{key} is {kind(node)}", "write a list: each rule begins with a dash")
    return list(node.value)


def text_of(node: Any, file: str, key: str) -> str:
    """A scalar as it is written: a date too is text here."""
    plain = isinstance(node, yaml.ScalarNode) and node.tag in (f"{_TAG}str", f"{_TAG}timestamp")
    if not plain or not node.value.strip():
        Place(file, node).wrong(f"{key} is {kind(node)}", "write text")
    return one_line(node.value)


def scalar_of(node: Any, file: str, key: str) -> str:
    """A text, a number or a yes as it is written. Raises UsageProblem."""
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        Place(file, node).wrong(f"{key} is {kind(node)}", f"write {key}: VALUE")
    return one_line(node.value)


def is_null(node: Any) -> bool:
    """Whether nothing is written there."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"


def kind(node: Any) -> str:
    """What a node is, in words."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    names = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false", "null": "empty"}
    name = names.get(node.tag.removeprefix(_TAG), "text")
    return "empty" if name == "text" and not node.value.strip() else name
