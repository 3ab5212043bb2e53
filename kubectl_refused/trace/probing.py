"""Which probes keep a pod from becoming ready, and the port each dials.

The kubelet looks a port's name up among the ports of the probe's own container only (pkg/probe/util.go,
ResolveContainerPort), and dials the pod's address unless the probe names a host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_refused.model.objects import Container, Pod, Probe

from .containers import containers, probe_port
from .statuses import reported


@dataclass(frozen=True)
class Probing:
    """A readiness or startup probe that dials the pod. `number` is None for a name its container does not have."""

    container: Container
    field: str
    probe: Probe
    port: int | str
    number: int | None


def probings(pod: Pod) -> Iterator[Probing]:
    """Every readiness and startup probe of the pod that dials it."""
    for container in containers(pod):
        for field, probe in (
            ("startupProbe", container.startup_probe), ("readinessProbe", container.readiness_probe)
        ):  # fmt: skip
            port = probe_port(container, probe) if probe else None
            if probe is None or port is None or _elsewhere(probe):
                continue
            yield Probing(container, field, probe, port, _number(container, port))


def unready_probes(pod: Pod) -> Iterator[Probing]:
    """Those whose container runs and is not ready; a startup probe counts until the container has started."""
    waiting = {r.status.name: r.status for r in reported(pod) if r.status.state.running and not r.status.ready}
    for probing in probings(pod):
        status = waiting.get(probing.container.name)
        if status is None:
            continue
        starting = status.started is False and probing.container.startup_probe is not None
        if starting is (probing.field == "startupProbe"):
            yield probing


def _number(container: Container, port: int | str) -> int | None:
    if isinstance(port, int):
        return port
    declared = {p.name: p.container_port for p in container.ports or ()}
    return declared.get(port) or (int(port) if port.isdecimal() else None)


def _elsewhere(probe: Probe) -> bool:
    return bool((probe.http_get and probe.http_get.host) or (probe.tcp_socket and probe.tcp_socket.host))
