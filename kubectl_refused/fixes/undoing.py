"""The way back from a change: what differs between an object before and after it, as a JSON patch. Pure.

RFC 6902, not a merge patch: that one replaces whole lists, with them what others wrote into them meanwhile, and
would print neighbours of the change (environment variables). Each operation tests what it takes away first, so
that an undo which comes too late is refused as a whole.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from kubectl_refused.model.evidence import PatchRequest

from .change import named

# What the server writes by itself at every change (apimachinery, ObjectMeta).
_SERVERS = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "selfLink")
# A copy of the whole object as `kubectl apply` sent it.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MOST_DEEP = 100

Operation = dict[str, Any]


def spoken(document: dict[str, Any]) -> dict[str, Any]:
    """The object without its status and what the server keeps in metadata: what a person would write."""
    metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key not in _SERVERS}
    if _LAST_APPLIED in (metadata.get("annotations") or {}):
        kept = {key: value for key, value in metadata["annotations"].items() if key != _LAST_APPLIED}
        metadata = {**metadata, "annotations": kept}
        if not kept:
            del metadata["annotations"]
    return {**{key: value for key, value in document.items() if key != "status"}, "metadata": metadata}


def way_back(before: dict[str, Any], after: dict[str, Any]) -> list[Operation]:
    """The JSON patch that makes the object `after` what it was `before`; empty where nothing differs."""
    return list(_operations(spoken(after), spoken(before), "", 0))


def undo_command(kubectl: str, request: PatchRequest, back: list[Operation]) -> str:
    """The way back as a command line for a POSIX shell."""
    name = named(request.kind, request.name)
    if request.subresource == "scale":
        replicas = next((o.get("value", 0) for o in back if o["op"] != "test"), 0)  # 0 is left out
        words = ["scale", name, f"--replicas={replicas}"]
    else:
        words = ["patch", name, "--type", "json", "-p", json.dumps(back, separators=(",", ":"))]
    return f"{kubectl} {shlex.join(words)} -n {request.namespace}"


def _operations(now: Any, then: Any, path: str, depth: int) -> Iterator[Operation]:
    """From `now` to `then`."""
    if now == then and type(now) is type(then):
        return
    if depth < MOST_DEEP and isinstance(now, dict) and isinstance(then, dict):
        yield from _of_maps(now, then, path, depth)
    elif depth < MOST_DEEP and isinstance(now, list) and isinstance(then, list):
        yield from _of_lists(now, then, path, depth)
    else:
        yield from _replaced(path, now, then)


def _of_maps(now: dict[str, Any], then: dict[str, Any], path: str, depth: int) -> Iterator[Operation]:
    for key in now:
        place = f"{path}/{_escaped(key)}"
        if key in then:
            yield from _operations(now[key], then[key], place, depth + 1)
        else:
            yield from _removed(place, now[key])
    for key in then:
        if key not in now:
            yield {"op": "add", "path": f"{path}/{_escaped(key)}", "value": then[key]}


def _of_lists(now: list[Any], then: list[Any], path: str, depth: int) -> Iterator[Operation]:
    """Item by item where the lists are of one length; one run added or taken away; else the list as a whole."""
    if len(now) == len(then):
        for index, (one, other) in enumerate(zip(now, then, strict=True)):
            yield from _operations(one, other, f"{path}/{index}", depth + 1)
        return
    shorter = min(len(now), len(then))
    same = next((i for i in range(shorter) if now[i] != then[i]), shorter)
    tail = len(now) - len(then)
    if tail > 0 and now[same + tail :] == then[same:]:
        for index in reversed(range(same, same + tail)):
            yield from _removed(f"{path}/{index}", now[index])
    elif tail < 0 and now[same:] == then[same - tail :]:
        for index in range(same, same - tail):
            yield {"op": "add", "path": f"{path}/{index}", "value": then[index]}
    else:
        yield from _replaced(path, now, then)


def _removed(path: str, value: Any) -> Iterator[Operation]:
    yield {"op": "test", "path": path, "value": value}
    yield {"op": "remove", "path": path}


def _replaced(path: str, now: Any, then: Any) -> Iterator[Operation]:
    yield {"op": "test", "path": path, "value": now}
    yield {"op": "replace", "path": path, "value": then}


def _escaped(key: str) -> str:
    """A key within a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
