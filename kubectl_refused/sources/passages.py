"""Where in its manifest a field stands: the text of one object, read again when somebody asks.

Marks of every field of every object would cost more memory than the objects; few fields are ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from kubectl_refused.patterns import lazily

from .yaml_documents import Loader

LONGEST = 4 << 20  # characters; a longer object is told by its own line
_STEP = lazily(r"\[([^\]]*)\]|([^.\[\]]+)")
_NAMES = ("name", "type", "key")  # what `containers[web]` and `conditions[Ready]` mean


@dataclass(frozen=True)
class Passage:
    """The text of an object, the line it starts at, and the steps that lead to the object in it."""

    text: str
    line: int
    steps: tuple[str, ...] = ()

    def within(self, *steps: str) -> Passage:
        """The passage of a part, such as the pod that a template promises."""
        return replace(self, steps=(*self.steps, *steps))

    def line_of(self, field: str, value: object = None) -> int:
        """The line of a field such as `spec.ports[].targetPort`, the one that holds `value` if there are several.

        As far as the path leads, where it does not lead to its end: a field that is missing is told by what
        should have it.
        """
        if len(self.text) > LONGEST:
            return self.line
        try:
            root = yaml.compose(self.text, Loader=Loader)
        except (yaml.YAMLError, RecursionError):  # an alias to what stands before this object
            return self.line
        steps = [*self.steps, *(name or f"[{word}]" for word, name in _STEP.findall(field))]
        found = list(_ways(root, steps, 0))
        best = max(found, key=lambda way: (way[0], way[0] == len(steps) and _holds(way[2], value)), default=None)
        return self.line + (best[1] if best else 0)


def _ways(node: Any, steps: Sequence[str], line: int, done: int = 0) -> Iterator[tuple[int, int, Any]]:
    """(steps taken, line, node) of every way along the steps, first in the text first."""
    yield done, line, node
    if done == len(steps):
        return
    step = steps[done]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == step.strip("[]"):
                yield from _ways(value, steps, key.start_mark.line, done + 1)
    elif isinstance(node, yaml.SequenceNode):
        bare = not step.startswith("[")
        for number, item in enumerate(node.value):
            if bare or _chosen(step[1:-1], number, item):
                yield from _ways(item, steps, item.start_mark.line, done if bare else done + 1)


def _chosen(word: str, number: int, item: Any) -> bool:
    if word in ("", str(number)):
        return True
    pairs = item.value if isinstance(item, yaml.MappingNode) else ()
    return any(key.value in _NAMES and value.value == word for key, value in pairs)


def _holds(node: Any, value: object) -> bool:
    """Whether a field is the value, or an object has it in one of its fields."""
    if isinstance(node, yaml.MappingNode):
        return any(_holds(part, value) for _, part in node.value if isinstance(part, yaml.ScalarNode))
    return isinstance(node, yaml.ScalarNode) and node.value == str(value)
