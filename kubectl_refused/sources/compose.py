"""A compose file as a source: each service as the container it promises, with the lines of its fields.

Only what decides who reaches whom is read: ports, expose, networks, network_mode, environment, command, names. The
form is that of the Compose Specification; variables (${PORT:-80}) take their defaults.
"""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from kubectl_refused.errors import ManifestProblem, shown
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.patterns import lazily
from kubectl_refused.sources.decoding import OddObject
from kubectl_refused.trace.engine_objects import PROJECT, SERVICE

from .compose_services import container_of_service, networks_of_file
from .manifests import STDIN, as_text, read_bounded, read_file
from .yaml_documents import BrokenYaml, Loader, TooMuchYaml, yaml_documents

NAMED = lazily(r"(docker-)?compose([._-][\w.-]+)?\.ya?ml", re.ASCII)
# What stands at the left of a compose file, and of a manifest.
_SERVICES = lazily(rb"^services:", re.MULTILINE)
_OBJECT = lazily(rb"^(apiVersion|kind):", re.MULTILINE)
LARGEST = 4 << 20  # bytes
MOST_SERVICES = 1000
# Fields as evidence names them, and the keys of a service that say the same.
_KEYS = {
    "HostConfig.NetworkMode": "network_mode",
    "NetworkSettings.Networks": "networks",
    "NetworkSettings.Ports": "ports",
    "Config.Env.command": "command",
    "Config.Env": "environment",
    "Config.Labels.depends_on": "depends_on",
    "ports": "ports",
}


def is_compose(path: str, start: bytes = b"") -> bool:
    """Whether the name is one that compose looks for, or a variation of it; of stdin, whether it starts so."""
    if path == STDIN:
        return bool(_SERVICES.search(start)) and not _OBJECT.search(start)
    return bool(NAMED.fullmatch(os.path.basename(path)))


@dataclass(frozen=True)
class ServiceLines:
    """Where the fields of one service stand. `node` is its YAML node, `line` where it begins."""

    node: Any
    line: int

    def line_of(self, field: str, value: object = None) -> int:
        """The line of the field, of a list's or map's part that holds `value`; else that of the service."""
        key = next((key for start, key in _KEYS.items() if field.startswith(start)), "")
        name = field.rpartition(".")[2]
        for part, inner in self.node.value if isinstance(self.node, yaml.MappingNode) else ():
            if part.value == key:
                found = next(_holding(inner, (name, str(value))), None)
                return int((found or part).start_mark.line) + 1
        return self.line


def _holding(node: Any, words: Sequence[str]) -> Iterator[Any]:
    """The nearest parts of a list or map that hold one of the words, the first word first."""
    for word in words:
        for part in node.value if isinstance(node, yaml.MappingNode | yaml.SequenceNode) else ():
            nodes = part if isinstance(part, tuple) else (part,)
            if word and any(word in text for one in nodes for text in _texts(one)):
                yield nodes[0]


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, yaml.ScalarNode):
        yield str(node.value)
    elif isinstance(node, yaml.MappingNode):
        yield from (str(value.value) for _, value in node.value if isinstance(value, yaml.ScalarNode))


class ComposeSource:
    """Reads the files, each a project of its own unless it has a name."""

    origin = "files"

    def __init__(self, paths: Sequence[str], stdin: BinaryIO | None = None) -> None:
        self._paths, self._stdin = tuple(paths), stdin
        self._changes: tuple[Change, ...] | None = None

    def read(self, target: Target) -> Iterable[Change]:
        """Everything in the files. Raises ManifestProblem."""
        if self._changes is None:
            self._changes = tuple(change for path in self._paths for change in self._of_file(path))
        return self._changes

    def services(self) -> tuple[Target, ...]:
        """Every service. Raises ManifestProblem."""
        found = [c.value for c in self.read(Target("", "")) if isinstance(c.value, EngineContainer)]
        labels = [value.config.labels or {} for value in found]
        return tuple(Target(one[SERVICE], one[PROJECT], None, "Compose") for one in labels)

    def _of_file(self, path: str) -> Iterator[Change]:
        if path != STDIN:
            return _changes(read_file(path), path)
        return _changes(read_bounded(self._stdin or io.BytesIO(), "stdin"), "stdin")


def _changes(data: bytes, path: str) -> Iterator[Change]:
    value, root = _parsed(data, path)
    at = time.time()
    services = value.get("services") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(services, dict):
        raise ManifestProblem(f"{shown(path)}: there are no services in it", "give -f a compose file")
    if len(services) > MOST_SERVICES:
        raise ManifestProblem(f"{shown(path)}: more than {MOST_SERVICES} services", "give a part of them")
    project = _project(value, path)
    networks = dict(networks_of_file(value, project))
    called = {name: network.name for name, network in networks.items()}
    yield from (Change(at, value=network) for network in networks.values())
    nodes = _nodes(root)
    for name, service in services.items():
        key, node = nodes.get(str(name), (None, None))
        line = key.start_mark.line + 1 if key else 1
        try:
            made = container_of_service(str(name), service, project, called)
        except (OddObject, ValueError, TypeError) as error:
            yield Change(
                at, gap=Gap(f"{shown(path)}:{line}: {shown(str(name))}", shown(str(error)), "mend it there")
            )
            continue
        lines = ServiceLines(node, line) if node else None
        yield Change(at, value=made, line=f"{shown(path)}:{line}", passage=lines)
    yield from (Change(at, covered=Coverage(kind, "")) for kind in ("EngineContainer", "EngineNetwork"))


def _project(value: Mapping[str, Any], path: str) -> str:
    """The name in the file, else its directory's, as compose takes it."""
    given = value.get("name")
    folder = Path(path).resolve().parent.name
    return str(given) if isinstance(given, str) else re.sub(r"[^a-z0-9_-]", "", folder.lower()) or "default"


def _parsed(data: bytes, path: str) -> tuple[Any, Any]:
    """The first document's value and its node. Raises ManifestProblem."""
    if len(data) > LARGEST:
        raise ManifestProblem(f"{shown(path)} is larger than {LARGEST >> 20} MiB", "give -f a compose file")
    text = as_text(data, shown(path))
    try:
        documents = list(yaml_documents(text))
        root = yaml.compose(text, Loader=Loader) if len(documents) == 1 else None
    except (BrokenYaml, TooMuchYaml, yaml.YAMLError) as error:
        line = getattr(error, "line", 1)
        raise ManifestProblem(f"{shown(path)}:{line}: no YAML: {shown(str(error))}") from error
    if len(documents) > 1:
        raise ManifestProblem(f"{shown(path)}: {len(documents)} documents in one file", "give each alone")
    return documents[0].value if documents else None, root


def _nodes(root: Any) -> dict[str, tuple[Any, Any]]:
    """The key and the node of each service."""
    return {str(key.value): (key, value) for key, value in _pairs(root)}


def _pairs(root: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "services" and isinstance(value, yaml.MappingNode):
            yield from value.value
