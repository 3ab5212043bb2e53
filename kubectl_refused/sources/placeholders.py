"""What somebody forgot to fill in: templates that are valid YAML, and are no manifests yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kubectl_refused.patterns import lazily

_PLACEHOLDER = lazily(r"\{\{.{0,100}?\}\}|\$\{[A-Za-z_][^}\s]{0,100}\}|\$\([A-Za-z_][\w.]{0,100}\)")
# Fields in which such text may be meant: the kubelet expands $(NAME) in some, shells and apps ${NAME} in others.
_FREE = frozenset({
    "command", "args", "env", "envFrom", "annotations", "image", "volumes", "volumeMounts", "message", "exec",
    "httpHeaders", "path", "status", "data", "stringData",
})  # fmt: skip
_CURES = {
    "{": "render it first: helm template CHART | kubectl refused -f -",
    "${": "fill it in first: envsubst < FILE | kubectl refused -f -",
    "$(": "build it first: kubectl kustomize DIRECTORY | kubectl refused -f -",
}


class Placeholder(NamedTuple):
    """One of them: the path of its field (`spec.ports[0].port`), its text, and what to do about it."""

    path: str
    text: str
    cure: str


def placeholder(value: Any) -> Placeholder | None:
    """The first in an object, None where there is none."""
    return next(_found(value, ""), None)


def _found(value: Any, path: str) -> Iterator[Placeholder]:
    if isinstance(value, str):
        if match := _PLACEHOLDER.search(value):
            cure = next(cure for start, cure in _CURES.items() if match[0].startswith(start))
            yield Placeholder(path, match[0], cure)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _found(part, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, part in value.items():
            if isinstance(key, str) and key not in _FREE:
                yield from _found(key, path)
                yield from _found(part, f"{path}.{key}" if path else key)
