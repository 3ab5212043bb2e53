"""A JSON patch applied as RFC 6902 says, for tests."""

from __future__ import annotations

import copy
from typing import Any


class Refused(Exception):
    """A test operation failed, or a path does not exist."""


def patched(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The document after all operations. Raises Refused where one fails, as a whole."""
    root: Any = {"": copy.deepcopy(document)}
    for operation in operations:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")]
        holder = root
        for part in path:
            holder = _item(holder, part)
        _do(operation, holder, last)
    return root[""]


def _item(holder: Any, part: str) -> Any:
    try:
        return holder[int(part)] if isinstance(holder, list) else holder[part]
    except (KeyError, IndexError, ValueError) as error:
        raise Refused(part) from error


def _do(operation: dict[str, Any], holder: Any, last: str) -> None:
    value = copy.deepcopy(operation.get("value"))
    if operation["op"] == "add":
        if isinstance(holder, list):
            holder.insert(len(holder) if last == "-" else int(last), value)
        else:
            holder[last] = value
        return
    found = _item(holder, last)
    if operation["op"] == "test" and (found != value or type(found) is not type(value)):
        raise Refused(operation["path"])
    key = int(last) if isinstance(holder, list) else last
    if operation["op"] == "replace":
        holder[key] = value
    elif operation["op"] == "remove":
        del holder[key]
