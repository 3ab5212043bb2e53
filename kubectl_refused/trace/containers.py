"""What a pod's spec says of its ports. It proves nothing: containerPort is documentation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from kubectl_refused.model.objects import Container, Pod, Probe, ServicePort
from kubectl_refused.patterns import lazily

# `-p 8080`, `--port=8080`, `--listen 127.0.0.1:8080`, `:8080`: an address and a port, or a port, of a listener.
_LISTEN_FLAG = lazily(
    r"(?:^|\s)(?:-p|-l|-b|--?(?:port|listen|bind|addr|address|http|web\.listen-address)(?:-address|-port|-addr)?)"
    r"[ =]+(?P<spec>\S+)"
)
LINES_KEPT, SHORT_LINE = 4096, 1000  # letters
_ADDRESS = lazily(r"^(?:\w+://)?(?:\[?(?P<host>[0-9a-zA-Z.:_-]*?)\]?:)?(?P<port>\d{1,5})/?$")


def containers(pod: Pod) -> tuple[Container, ...]:
    """Containers that may own a port: the main ones and restartable init containers (sidecars)."""
    sidecars = tuple(c for c in pod.spec.init_containers or () if c.restart_policy == "Always")
    return (pod.spec.containers or ()) + sidecars


def resolve_target_port(pod: Pod, port: ServicePort) -> int | None:
    """The number a Service port means in this pod; None for a name that no container declares.

    Kubernetes' FindPort (pkg/api/v1/pod/util.go): names are looked up with the protocol, numbers taken as is,
    a missing targetPort is the Service port.
    """
    wanted = port.target_port
    if wanted is None or wanted == "":
        return port.port
    if isinstance(wanted, int):
        return wanted
    if wanted.isdigit():
        return int(wanted)
    for container in containers(pod):
        for declared in container.ports or ():
            if declared.name == wanted and declared.protocol == port.protocol:
                return declared.container_port
    return None


def probe_port(container: Container, probe: Probe) -> int | str | None:
    """The port a probe dials, as written; None for exec probes."""
    if probe.http_get:
        return probe.http_get.port
    if probe.tcp_socket:
        return probe.tcp_socket.port
    return probe.grpc.port if probe.grpc else None


def command_line(container: Container) -> str:
    """Command and arguments as one line."""
    return " ".join((container.command or ()) + (container.args or ()))


def said_listeners(container: Container) -> tuple[tuple[str, int], ...]:
    """(address or "", port) that the command line's own flags name. A hint, never a proof."""
    line = command_line(container)
    return _kept_listeners(line) if len(line) < SHORT_LINE else _listeners_in(line)


@lru_cache(maxsize=LINES_KEPT)
def _kept_listeners(line: str) -> tuple[tuple[str, int], ...]:
    """As a workload's pods have one command line, and a scan asks of each more than once."""
    return _listeners_in(line)


def _listeners_in(line: str) -> tuple[tuple[str, int], ...]:
    specs = (_ADDRESS.match(match["spec"].strip("\"';,)&")) for match in _LISTEN_FLAG.finditer(line))
    found = ((spec["host"] or "", int(spec["port"])) for spec in specs if spec)
    return tuple((host, port) for host, port in found if 0 < port < 65536)


def said_ports(pod: Pod) -> tuple[int, ...]:
    """Ports the pod's own spec mentions, most telling first: flags, PORT variables, containerPorts, probes."""
    found: list[int] = []
    for container in containers(pod):
        found += [port for _, port in said_listeners(container)]
        found += [
            int(e.value)
            for e in container.env or ()
            if e.value and e.value.isdigit() and (e.name == "PORT" or e.name.endswith("_PORT"))
        ]
        found += [p.container_port for p in container.ports or () if p.protocol == "TCP"]
        for probe in (container.readiness_probe, container.liveness_probe, container.startup_probe):
            number = probe_port(container, probe) if probe else None
            found += [number] if isinstance(number, int) else []
    return tuple(dict.fromkeys(p for p in found if 0 < p < 65536))


def declares(pod: Pod, port: int) -> str | None:
    """The container that mentions the port, by flags or containerPort; None where none or several do."""
    names = [
        c.name
        for c in containers(pod)
        if any(said == port for _, said in said_listeners(c))
        or any(p.container_port == port for p in c.ports or ())
    ]
    return names[0] if len(names) == 1 else None


def shared_name(pods: Iterable[tuple[Pod, int]], protocol: str = "TCP") -> str | None:
    """A container port name that means, in each pod, the number given for it; None where there is none."""
    common: set[str] | None = None
    for pod, number in pods:
        names = {
            p.name
            for c in containers(pod)
            for p in c.ports or ()
            if p.name and p.container_port == number and p.protocol == protocol
        }
        common = names if common is None else common & names
    return min(common, default=None) if common else None
