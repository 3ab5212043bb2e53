"""What `kubectl cluster-info dump` writes: a folder of Lists and logs, or the same one after the other on stdout.

    nodes.json   NAMESPACE/{services,pods,events,deployments,…}.json   NAMESPACE/POD/logs.txt

(kubectl pkg/cmd/clusterinfo/clusterinfo_dump.go.) Read within bounds, as anybody may have sent it.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kubectl_refused.errors import ManifestProblem, shown
from kubectl_refused.patterns import lazily

from .manifests import LARGEST_FILE, MOST_FILES

LISTS = (
    "services", "pods", "events", "deployments", "replicasets", "daemonsets", "replication-controllers",
    "statefulsets", "jobs",
)  # fmt: skip
NODES, LOGS = "nodes.json", "logs.txt"
LARGEST_LOG = 1 << 20  # bytes of a log's end that are read
_START = lazily(rb"(?m)^==== START logs for container (\S{1,253}) of pod (\S{1,63})/(\S{1,253}) ====\r?\n")
_ONE = lazily(rb"(?ms)^\{$.*?^\}$")  # kubectl's printer indents all else
_INSTEAD = "give the folder that kubectl cluster-info dump --output-directory wrote"

Container = tuple[str, str, str]  # namespace, pod, container


class Part(NamedTuple):
    """One List's bytes, and how a message calls it."""

    name: str
    data: bytes


@dataclass(frozen=True)
class DumpFiles:
    """The Lists, the namespaces dumped, and where logs are: a file for each pod, or the text itself."""

    parts: tuple[Part, ...]
    namespaces: frozenset[str]
    logs: dict[tuple[str, str], str | bytes] = field(default_factory=dict)

    def log(self, namespace: str, pod: str, container: str) -> str | None:
        """The end of a container's log, None where the dump has none. Raises ManifestProblem."""
        held = self.logs.get((namespace, pod))
        if held is None:
            return None
        data = held if isinstance(held, bytes) else _read(held)
        for told, text in logs_of(data):
            if told == (namespace, pod, container):
                return text[-LARGEST_LOG:].decode("utf-8", "replace")
        return None


def is_dump(path: str) -> bool:
    """Whether a folder, or the text of a file, is a dump."""
    if not os.path.isdir(path):
        return os.path.isfile(path) and is_dump_text(_head(path))
    return os.path.isfile(os.path.join(path, NODES)) and any(
        os.path.isfile(os.path.join(path, name, "pods.json")) for name in _folders(path)
    )


def is_dump_text(head: bytes) -> bool:
    """Whether a text begins as a dump on stdout does."""
    return re.match(rb'\s*\{\s*"kind": "NodeList"', head[:4096]) is not None


def folder_dump(root: str) -> DumpFiles:
    """The dump in a folder. Raises ManifestProblem."""
    spaces = [name for name in _folders(root) if os.path.isfile(os.path.join(root, name, "services.json"))]
    files = [os.path.join(root, NODES), *(os.path.join(root, s, f"{name}.json") for s in spaces for name in LISTS)]
    parts = [Part(shown(file), _read(file)) for file in files if os.path.isfile(file)]
    logs: dict[tuple[str, str], str | bytes] = {}
    for space in spaces:
        for pod in _folders(os.path.join(root, space)):
            file = os.path.join(root, space, pod, LOGS)
            if os.path.isfile(file):
                logs[(space, pod)] = file
    return DumpFiles(tuple(parts), frozenset(spaces), logs)


def text_dump(data: bytes, name: str) -> DumpFiles:
    """The dump in one text: Lists and logs in turn. Its namespaces are those of its objects."""
    logs: dict[tuple[str, str], str | bytes] = {}
    for (space, pod, _), _text in logs_of(data):
        logs.setdefault((space, pod), data)
    return DumpFiles(tuple(_parts(data, name)), frozenset(), logs)


def _parts(data: bytes, name: str) -> Iterator[Part]:
    """The Lists between the logs, each with the line it starts at."""
    line = counted = begin = 0
    for start, end in (*_log_places(data), (len(data), len(data))):
        for found in _ONE.finditer(data, begin, start):
            line += data.count(b"\n", counted, found.start())
            counted = found.start()
            yield Part(f"{name}:{line + 1}", found[0])
        begin = end


def logs_of(data: bytes) -> Iterator[tuple[Container, bytes]]:
    """Each container's log. What an app writes may look like the mark of an end: it only shortens its own."""
    for start, end in _log_places(data):
        found = _START.match(data, start)
        assert found is not None
        names = (found[2].decode("utf-8", "replace"), found[3].decode("utf-8", "replace"))
        yield (*names, found[1].decode("utf-8", "replace")), data[found.end() : end]


def _log_places(data: bytes) -> Iterator[tuple[int, int]]:
    """(start of the mark of the start, start of the mark of the end)."""
    at = 0
    while found := _START.search(data, at):
        mark = b"==== END logs for container %b of pod %b/%b ====" % (found[1], found[2], found[3])
        end = data.find(mark, found.end())
        at = len(data) if end < 0 else end
        yield found.start(), at


def place_of_error(part: Part) -> str:
    """`shop/pods.json:12: not valid JSON: …`."""
    try:
        json.loads(part.data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        deep = isinstance(error, RecursionError)
        why = "it nests too deep" if deep else getattr(error, "msg", None) or str(error)
        return f"{part.name}:{line}: not valid JSON: {shown(why)}"
    return f"{part.name}: no list of objects"


def _folders(root: str) -> list[str]:
    """Folders of a folder by name; none behind a symbolic link, so that nothing outside is read."""
    with os.scandir(root) as entries:
        found = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    if len(found) > MOST_FILES:
        raise ManifestProblem(f"{shown(root)}: more than {MOST_FILES} folders", _INSTEAD)
    return found


def _read(file: str) -> bytes:
    try:
        if not _is_regular(file):
            raise ManifestProblem(f"{shown(file)} is no file", _INSTEAD)
        with open(file, "rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ManifestProblem(f"{shown(file)} cannot be read: {error.strerror}", _INSTEAD) from error
    if len(data) > LARGEST_FILE:
        raise ManifestProblem(
            f"{shown(file)} is larger than {LARGEST_FILE >> 20} MiB", "dump fewer with --namespaces"
        )
    return data


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(4096)
    except OSError:
        return b""  # whoever reads it as a manifest says why


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False
