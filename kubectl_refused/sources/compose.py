"""A compose file as a source: each service as the container it promises, with the lines of its fields.

Only what decides who reaches whom is read: ports, expose, networks, network_mode, environment, command, names. The
form is that of the Compose Specification; variables (${PORT:-80}) take their defaults.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kubectl_refused.errors import ManifestProblem, shown
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.sources.decoding import OddObject
from kubectl_refused.trace.engine_objects import PROJECT, SERVICE

from .compose_services import container_of_service, networks_of_file
from .yaml_documents import BrokenYaml, Loader, TooMuchYaml, yaml_documents

NAMED = re.compile(r"(docker-)?compose([._-][\w.-]+)?\.ya?ml", re.ASCII)
LARGEST = 4 << 20  # bytes
# Fields as evidence names them, and the keys of a service that say the same.
_KEYS = {
    "HostConfig.NetworkMode": "network_mode",
    "NetworkSettings.Networks": "networks",
    "NetworkSettings.Ports": "ports",
    "Config.Env.command": "command",
    "Config.Env": "environment",
    "ports": "ports",
}


def is_compose(path: str) -> bool:
    """Whether the name is one that compose looks for, or a variation of it."""
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

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = tuple(paths)
        self._changes: tuple[Change, ...] | None = None

    def read(self, target: Target) -> Iterable[Change]:
        """Everything in the files. Raises ManifestProblem."""
        if self._changes is None:
            self._changes = tuple(change for path in self._paths for change in _of_file(path))
        return self._changes

    def services(self) -> tuple[Target, ...]:
        """Every service. Raises ManifestProblem."""
        found = [c.value for c in self.read(Target("", "")) if isinstance(c.value, EngineContainer)]
        labels = [value.config.labels or {} for value in found]
        return tuple(Target(one[SERVICE], one[PROJECT], None, "Compose") for one in labels)


def _of_file(path: str) -> Iterator[Change]:
    data, at = _read(path), time.time()
    try:
        documents = list(yaml_documents(data))
        root = yaml.compose(data, Loader=Loader)
    except (BrokenYaml, TooMuchYaml, yaml.YAMLError) as error:
        line = getattr(error, "line", 1)
        raise ManifestProblem(f"{shown(path)}:{line}: no YAML: {shown(str(error))}") from error
    value = documents[0][0] if documents else None
    services = value.get("services") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(services, dict):
        raise ManifestProblem(f"{shown(path)}: there are no services in it", "give -f a compose file")
    project = _project(value, path)
    networks = dict(networks_of_file(value, project))
    called = {name: network.name for name, network in networks.items()}
    yield from (Change(at, value=network) for network in networks.values())
    nodes = _service_nodes(root)
    for name, service in services.items():
        line = nodes[str(name)].start_mark.line + 1 if str(name) in nodes else 1
        try:
            made = container_of_service(str(name), service, project, called)
        except (OddObject, ValueError, TypeError) as error:
            yield Change(
                at, gap=Gap(f"{shown(path)}:{line}: {shown(str(name))}", shown(str(error)), "mend it there")
            )
            continue
        lines = ServiceLines(_values(root)[str(name)], line) if str(name) in nodes else None
        yield Change(at, value=made, line=f"{shown(path)}:{line}", passage=lines)
    yield from (Change(at, covered=Coverage(kind, "")) for kind in ("EngineContainer", "EngineNetwork"))


def _project(value: Mapping[str, Any], path: str) -> str:
    """The name in the file, else its directory's, as compose takes it."""
    given = value.get("name")
    folder = Path(path).resolve().parent.name
    return str(given) if isinstance(given, str) else re.sub(r"[^a-z0-9_-]", "", folder.lower()) or "default"


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise ManifestProblem(f"{shown(path)}: {error.strerror}") from error


def _service_nodes(root: Any) -> dict[str, Any]:
    """The key of each service."""
    return {str(key.value): key for key, _ in _pairs(root)}


def _values(root: Any) -> dict[str, Any]:
    return {str(key.value): value for key, value in _pairs(root)}


def _pairs(root: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "services" and isinstance(value, yaml.MappingNode):
            yield from value.value
