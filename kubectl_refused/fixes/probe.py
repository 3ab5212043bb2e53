"""The change of the port a readiness probe dials."""

from __future__ import annotations

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Container, Pod, Probe
from kubectl_refused.model.scene import Scene

from .change import container_change


def probe_port_change(
    scene: Scene, pod: Pod, container: Container, *, field: str, probe: Probe, meant: int | str
) -> Fix:
    """Point the probe in `field` (readinessProbe, startupProbe) at another port; its handler stays."""
    handler = "httpGet" if probe.http_get else "tcpSocket" if probe.tcp_socket else "grpc"
    summary = f"Set the port of the {field} to {meant}"
    return container_change(scene, pod, container.name, summary, {field: {handler: {"port": meant}}})
