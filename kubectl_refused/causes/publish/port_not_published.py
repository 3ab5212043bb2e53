"""The port is not published on the host.

Why it refuses:
    A container has a network of its own; nothing of the host leads into it before a port is published (-p,
    ports:). EXPOSE in a Dockerfile and expose: in a compose file publish nothing. On the host nobody listens,
    so its kernel answers RST.
Confirm:
    docker port NAME    # lists what is published
Fix:
    Create the container anew with -p HOSTPORT:PORT; what runs cannot be given a port.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in, network_mode, ports_of
from kubectl_refused.trace.engine_proofs import inspected


@cause("KR603", scope=Scope.CONTAINER, produces=(Symptom.NO_PORT, Symptom.RST), since="0.2")
def port_not_published(scene: Scene) -> Iterator[Finding]:
    """Yield when the client is on the host, and the container does not publish the port it asks for."""
    container, port = scene.container, scene.published
    if container is None or client_in(scene) or network_mode(container) in ("host", "none"):
        return
    if scene.from_files and scene.target.port is None:
        return  # a service that only others of the file dial need not be published
    if network_mode(container).startswith("container:") or (port and port.places):
        return
    asked = port.number if port else int(scene.target.port) if scene.target.port else None
    bound = container.host_config.port_bindings or {}
    if asked is not None and f"{asked}/{port.protocol if port else 'tcp'}" in bound:
        return  # it was asked for, and something else kept the engine from doing it
    told = ", ".join(str(p) for p in ports_of(container) if p.places)
    what = f"port {asked}" if asked else "any port"
    says = f"{container.called} does not publish {what}" + (f", only {told}" if told else "")
    path = f"NetworkSettings.Ports.{asked}/tcp" if asked else "NetworkSettings.Ports"
    yield Finding(
        where=f"container {container.called}",
        says=says,
        headline=f"{what if asked else 'no port'} is {'not ' if asked else ''}published on the host",
        evidence=(inspected(scene, container, path, None, says + _exposed(container, asked)),),
        fix=_fix(container, asked),
    )


def _exposed(container: EngineContainer, port: int | None) -> str:
    exposed = f"{port}/tcp" in (container.config.exposed_ports or {})
    return "; it is exposed, which publishes nothing" if exposed else ""


def _fix(container: EngineContainer, port: int | None) -> Fix:
    number = str(port or "PORT")
    return Fix(summary=f"Create {container.called} anew with -p {number}:{number} (ports: in a compose file)")
