"""Which probes keep a pod from becoming ready, and the port each dials.

The kubelet looks a port's name up among the ports of the probe's own container only (pkg/probe/util.go,
ResolveContainerPort), and dials the pod's address unless the probe names a host.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubectl_refused.model.objects import Container, Pod, Probe

from .containers import containers, probe_port
from .statuses import reported


class Failing(Struct, frozen=True):
    """A readiness or startup probe that keeps its pod from becoming ready."""

    container: Container
    field: str
    probe: Probe

    @property
    def kind(self) -> str:
        """`readiness` or `startup`."""
        return self.field.removesuffix("Probe")


class Probing(Failing, frozen=True):
    """One that dials the pod. `number` is None for a name its container does not have."""

    port: int | str
    number: int | None


def probings(pod: Pod) -> Iterator[Probing]:
    """Every readiness and startup probe of the pod that dials it."""
    for container in containers(pod):
        if container.startup_probe:
            yield from _dialling(Failing(container, "startupProbe", container.startup_probe))
        if container.readiness_probe:
            yield from _dialling(Failing(container, "readinessProbe", container.readiness_probe))


def failing_probes(pod: Pod) -> Iterator[Failing]:
    """The probe that counts of each container that runs and is not ready: the startup probe until it started."""
    waiting = {r.status.name: r.status for r in reported(pod) if r.status.state.running and not r.status.ready}
    for container in containers(pod):
        status = waiting.get(container.name)
        if status and status.started is False and container.startup_probe:
            yield Failing(container, "startupProbe", container.startup_probe)
        elif status and container.readiness_probe:
            yield Failing(container, "readinessProbe", container.readiness_probe)


def unready_probes(pod: Pod) -> Iterator[Probing]:
    """Those of `failing_probes` that dial the pod."""
    for failing in failing_probes(pod):
        yield from _dialling(failing)


def _dialling(one: Failing) -> Iterator[Probing]:
    port = probe_port(one.container, one.probe)
    if port is not None and not _elsewhere(one.probe):
        yield Probing(one.container, one.field, one.probe, port, _number(one.container, port))


def _number(container: Container, port: int | str) -> int | None:
    if isinstance(port, int):
        return port
    declared = {p.name: p.container_port for p in container.ports or ()}
    return declared.get(port) or (int(port) if port.isdecimal() else None)


def _elsewhere(probe: Probe) -> bool:
    return bool((probe.http_get and probe.http_get.host) or (probe.tcp_socket and probe.tcp_socket.host))
