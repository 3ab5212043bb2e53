"""What a change does to an object, as a unified diff of its YAML with secrets masked. Pure."""

from __future__ import annotations

import difflib
from typing import Any

import yaml

from kubectl_refused.text import MASK, clean, mask

from .undoing import spoken

CONTEXT = 3  # lines, as diff -u has them


def difference(before: dict[str, Any], after: dict[str, Any], name: str) -> list[str]:
    """Lines of the diff, none where nothing changes but what the server keeps."""
    old, new = (_yaml(spoken(document)) for document in (before, after))
    lines = difflib.unified_diff(old, new, f"{name} as it is", f"{name} with the fix", n=CONTEXT, lineterm="")
    return [clean(line).rstrip("\n") for line in lines]


def _yaml(document: dict[str, Any]) -> list[str]:
    # ASCII only: PyYAML then escapes everything that could steer a terminal.
    text: str = yaml.safe_dump(_masked(document), sort_keys=False, width=100, allow_unicode=False)
    return text.splitlines()


def _masked(value: Any) -> Any:
    """The value with secrets masked: in texts, and in variables whose name tells (`name` and `value` of env)."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    masked = {key: _masked(item) for key, item in value.items()}
    name, said = value.get("name"), value.get("value")
    if isinstance(name, str) and isinstance(said, str) and mask(f"{name}={said}") != f"{name}={said}":
        masked["value"] = MASK
    return masked
