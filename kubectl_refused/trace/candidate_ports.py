"""On which other ports a pod's app may listen, and which ports are not the app's. Hints: only a dial proves.

Asked only once the port meant is known to be refused; the likeliest come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kubectl_refused.model.objects import Container, Pod, Probe
from kubectl_refused.model.observation import Socket
from kubectl_refused.patterns import lazily

from .containers import command_line, containers, said_ports
from .log_reasons import MOST_CHARACTERS, named_ports
from .runtimes import app_sockets, mesh_of
from .sockets import likeliest_port, reachable_ports

# Dials of one search; of them this many at most for what logs say, since logs are others' to write.
MOST_CANDIDATES = 32
MOST_FROM_LOGS = 6
USUAL = (
    80, 8080, 8000, 3000, 5000, 8443, 443, 8081, 8888, 9000, 9090, 4000, 3001, 5432, 3306, 6379, 27017, 5672, 9200,
    50051, 1337, 8008,
)  # fmt: skip
# What such ports are customarily for, where their pod names them nothing else.
_CUSTOM = {
    **dict.fromkeys((9090, 9091, 9100, 9102, 9113, 9121, 9187, 9404), "metrics"),
    **dict.fromkeys((5005, 6060, 9229), "debug"),
}
_NAMES = (
    ("metrics", lazily(r"metric|prom")),
    ("health", lazily(r"health|probe|livez|readyz")),
    ("debug", lazily(r"debug|pprof|jmx|jdwp")),
)
_HEALTH_PATH = lazily(r"health|live|ready|ping|alive", re.IGNORECASE)
_NUMBER = lazily(r"(?<![\w.-])(\d{2,5})(?![\w.%-])")
_SERVING = lazily(r"listen|serving|started|running|bound|accept|ready|\bport\b|\bserver\b", re.IGNORECASE)
_LISTENING_ON = lazily(
    r"\b(?:listening|listens|serving|started|running)\b[^\d\n]{0,40}?(?<![\d.:])(\d{2,5})\b", re.IGNORECASE
)


def candidates(pod: Pod, lines: Iterable[str], aimed: int) -> tuple[int, ...]:
    """Ports worth a dial besides `aimed`: what the spec says, what the log says, then the usual ones.

    On the node's network the usual ones are other programs' as well: only what the pod itself says is left.
    """
    said = [*said_ports(pod), *_handlers(pod), *_annotated(pod), *_in_commands(pod)]
    said += list(from_log(lines))[:MOST_FROM_LOGS]
    mesh = mesh_of(pod)
    own = mesh.ports if mesh else frozenset()
    wanted = [*said, *(() if pod.spec.host_network else USUAL)]
    worth = (p for p in wanted if p != aimed and p not in own and 0 < p < 65536)
    return tuple(dict.fromkeys(worth))[:MOST_CANDIDATES]


def from_log(lines: Iterable[str]) -> Iterator[int]:
    """Ports that lines about a server name, each once: `listening on 8080`, `Started server on :3000`."""
    seen: set[int] = set()
    for line in lines:
        cut = line[:MOST_CHARACTERS]
        if not _SERVING.search(cut):
            continue
        for port in (*named_ports(cut), *map(int, _LISTENING_ON.findall(cut))):
            if port not in seen and 0 < port < 65536:
                seen.add(port)
                yield port


def purpose(pod: Pod, port: int) -> str:
    """What the pod itself says the port is for besides the app: `metrics`, `health`, `debug`, or empty."""
    names = [p.name for c in containers(pod) for p in c.ports or () if p.container_port == port]
    for name in filter(None, names):
        return next((word for word, pattern in _NAMES if pattern.search(name)), "")
    if names or any(port in said_ports(_flags_of(pod, c)) for c in containers(pod)):
        return ""
    if port in _annotated(pod):
        return "metrics"
    return "health" if any(_asks_for_health(c, port) for c in containers(pod)) else ""


def called(pod: Pod, port: int) -> str:
    """`9090 (metrics)`: the port, and what it is for where the pod or custom says."""
    word = purpose(pod, port) or ("" if _named(pod, port) else _CUSTOM.get(port, ""))
    return f"{port} ({word})" if word else str(port)


def app_ports(pod: Pod, ports: Iterable[int]) -> tuple[int, ...]:
    """Of listening ports those that may be the app's: none of the mesh's or the pod's side doors.

    Customary side doors come last, everything else keeps its order.
    """
    mesh = mesh_of(pod)
    found = [p for p in dict.fromkeys(ports) if not purpose(pod, p) and not (mesh and p in mesh.ports)]
    return tuple(sorted(found, key=lambda p: p in _CUSTOM and not _named(pod, p)))


def own_ports(pod: Pod, sockets: Sequence[Socket], address: str) -> tuple[int, ...]:
    """The ports that the app itself listens on and that answer at the address; the likeliest comes first."""
    mine = app_ports(pod, reachable_ports(app_sockets(pod, sockets), address))
    first = likeliest_port(mine, said_ports(pod))
    return tuple(sorted(mine, key=lambda port: port != first))


def _named(pod: Pod, port: int) -> bool:
    return any(p.container_port == port for c in containers(pod) for p in c.ports or ())


def _flags_of(pod: Pod, container: Container) -> Pod:
    """The pod with nothing but this container's command line."""
    bare = Container(name=container.name, command=container.command, args=container.args)
    return Pod(metadata=pod.metadata, spec=type(pod.spec)(containers=(bare,)))


def _asks_for_health(container: Container, port: int) -> bool:
    probes = (container.readiness_probe, container.liveness_probe, container.startup_probe)
    return any(_is_health(p, port) for p in probes if p)


def _is_health(probe: Probe, port: int) -> bool:
    return bool(probe.http_get and probe.http_get.port == port and _HEALTH_PATH.search(probe.http_get.path))


def _annotated(pod: Pod) -> tuple[int, ...]:
    """Prometheus' customary annotation, and others that end in `port`."""
    told = (pod.metadata.annotations or {}).items()
    return tuple(int(v) for k, v in told if k.endswith(("/port", "-port")) and v.isdecimal() and len(v) < 6)


def _handlers(pod: Pod) -> Iterator[int]:
    for container in containers(pod):
        lifecycle = container.lifecycle
        for handler in (lifecycle.post_start, lifecycle.pre_stop) if lifecycle else ():
            for dialled in (handler.http_get, handler.tcp_socket) if handler else ():
                if dialled and isinstance(dialled.port, int):
                    yield dialled.port


def _in_commands(pod: Pod) -> Iterator[int]:
    """Any number of a command line that could be a port, and addresses in environment variables."""
    for container in containers(pod):
        yield from (int(n) for n in _NUMBER.findall(command_line(container)[:4000].replace(":", " ")))
        for variable in container.env or ():
            if variable.value and re.search(r"(PORT|ADDR|ADDRESS|LISTEN|BIND|URLS?)$", variable.name):
                yield from (int(n) for n in _NUMBER.findall(variable.value[:200].replace(":", " ")))
