"""YAML text as values with line numbers, by PyYAML's C parser, in the dialect that Kubernetes reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from kubectl_refused.patterns import lazily
from kubectl_refused.text import clean

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 200  # levels; the C composer recurses, and crashes the process somewhere beyond 10,000
MOST_WORDS = 50_000  # whose tags are remembered
MOST_NODES = 5_000_000  # after aliases are followed; go-yaml too refuses "excessive aliasing"
_TAG = "tag:yaml.org,2002:"
_TEXT, _LIST, _MAP = f"{_TAG}str", f"{_TAG}seq", f"{_TAG}map"
# YAML 1.1 takes 22:22 for 1342 and 2026-01-01 for a date; go-yaml, which kubectl uses, reads both as text.
_INT = lazily(r"^[-+]?(?:0b[01_]+|0[0-7_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*)$")
_FLOAT = lazily(
    r"^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN))$"
)
_OWN_RULES = {f"{_TAG}int": _INT, f"{_TAG}float": _FLOAT}


class TooMuchYaml(Exception):
    """A file that nests beyond DEEPEST, or whose aliases expand beyond MOST_NODES (a "billion laughs")."""


class BrokenYaml(Exception):
    """Text that is no YAML, from `line` on."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


class Place(NamedTuple):
    """Where a document or a list item stands: its line from 1, and its characters from `start` to `end`."""

    line: int
    start: int
    end: int


class Loader(_Base):  # type: ignore[misc]
    """Safe, without dates and base-60 numbers; every string is cleaned of control sequences."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own class attribute)
        first: [(tag, _OWN_RULES.get(tag, rule)) for tag, rule in rules if tag != f"{_TAG}timestamp"]
        for first, rules in _Base.yaml_implicit_resolvers.items()
    }

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.twice: dict[tuple[str, int], None] = {}
        self._tags: dict[str, str] = {}

    def flatten_mapping(self, node: Any) -> None:
        """Merge as YAML 1.1 says, having noted keys that are there twice, of which the last one counts."""
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            seen: set[tuple[str, str]] = set()
            for key, _ in node.value:
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
                if name in seen:
                    self.twice[clean(key.value), key.start_mark.line + 1] = None
                elif name:
                    seen.add(name)
        super().flatten_mapping(node)

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """A plain scalar's tag, remembered by its text: a large file says the same words over and over."""
        if kind is not yaml.ScalarNode or not implicit[0]:
            tag: str = super().resolve(kind, value, implicit)
            return tag
        found: str | None = self._tags.get(value)
        if found is None:
            found = super().resolve(kind, value, implicit)
            if len(self._tags) < MOST_WORDS:
                self._tags[value] = found
        return found

    def plain(self, node: Any) -> Any:
        """The value of a tree without aliases; what is no plain text, list or map the constructors make."""
        kind, tag = type(node), node.tag
        if kind is yaml.ScalarNode and tag == _TEXT:
            text: str = node.value
            return text if text.isprintable() else clean(text)
        if kind is yaml.SequenceNode and tag == _LIST:
            return [self.plain(part) for part in node.value]
        if kind is yaml.MappingNode and tag == _MAP and all(key.tag == _TEXT for key, _ in node.value):
            found = {self.plain(key): self.plain(part) for key, part in node.value}
            if len(found) == len(node.value):
                return found
        return self._constructed(node)

    def _constructed(self, node: Any) -> Any:
        """By PyYAML's constructors: merged keys, keys that come twice, numbers, dates, errors."""
        value = self.construct_object(node, deep=True)
        self.constructed_objects.clear()
        return value

    def construct_text(self, node: Any) -> str:
        """A string scalar, cleaned."""
        text: str = self.construct_scalar(node)
        return text if text.isprintable() else clean(text)


Loader.add_constructor(f"{_TAG}str", Loader.construct_text)


class Read(NamedTuple):
    """A document, its place and then those of its `items`, and its keys that come twice, with the second line."""

    value: Any
    places: list[Place]
    twice: tuple[tuple[str, int], ...] = ()


def yaml_documents(data: bytes) -> Iterator[Read]:
    """Yield the documents.

    Raises BrokenYaml and TooMuchYaml.
    """
    places, aliases = [Place(1, 0, 0)], b"*" in data
    try:
        if _may_be_deep(data):
            _check_depth(data)
        loader = Loader(data)
        while loader.check_node():
            node = loader.get_node()
            places = _places(node)
            loader.twice = {}
            if aliases:
                _bound(node)
                value = loader.construct_document(node)
            else:
                value = loader.plain(node)
            yield Read(value, places, tuple(loader.twice))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BrokenYaml(mark.line + 1 if mark else 1, why) from error
    except (ValueError, TypeError, AttributeError, OverflowError) as error:  # a tag that does not fit: !!int x
        raise BrokenYaml(places[0].line, str(error)) from error


_INDENT = lazily(rb"(?m)^[ ?:-]+")


def _may_be_deep(data: bytes) -> bool:
    """A cheap upper bound: a block level takes a column of indent, a flow level a bracket of its document.

    A line that begins with --- begins another, wherever it stands (YAML 1.1, 7.2: c-forbidden).
    """
    deepest = max((len(indent) for indent in _INDENT.findall(data)), default=0)
    return any(deepest + part.count(b"[") + part.count(b"{") > DEEPEST for part in data.split(b"\n---"))


def _check_depth(data: bytes) -> None:
    """Count levels by events, which the parser yields without recursion. Raises TooMuchYaml."""
    depth = 0
    for event in yaml.parse(data, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise TooMuchYaml(f"it nests more than {DEEPEST} levels deep")


def _places(node: Any) -> list[Place]:
    items = []
    if isinstance(node, yaml.MappingNode):
        values = [value for key, value in node.value if key.value == "items"]
        items = [item for value in values if isinstance(value, yaml.SequenceNode) for item in value.value]
    marks = [(part.start_mark, part.end_mark) for part in [node, *items]]
    return [Place(start.line + 1, start.index, end.index) for start, end in marks]


def _bound(root: Any) -> None:
    """Count nodes with aliases followed, each anchor's subtree once. Raises TooMuchYaml, also for a cycle."""
    sizes: dict[int, int] = {}

    def size(node: Any, above: frozenset[int]) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) in above:
            raise TooMuchYaml("an alias contains itself")
        if id(node) not in sizes:
            parts = node.value if isinstance(node, yaml.SequenceNode) else [p for pair in node.value for p in pair]
            sizes[id(node)] = 1 + sum(size(part, above | {id(node)}) for part in parts)
        return sizes[id(node)]

    if size(root, frozenset()) > MOST_NODES:
        raise TooMuchYaml(f"its aliases expand to more than {MOST_NODES} values")
