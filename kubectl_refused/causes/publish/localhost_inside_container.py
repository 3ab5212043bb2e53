"""A container is told to dial localhost, and means another container.

Why it refuses:
    Inside a container localhost is the container itself. What runs in another one, or on the host, is not
    there, so its own kernel answers RST.
Confirm:
    docker inspect -f '{{json .Config.Env}}' NAME
Fix:
    Name the other container (its service, in a compose file) and its own port; for the host,
    host.docker.internal.
See:
    https://docs.docker.com/compose/how-tos/networking/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import network_mode, ports_of
from kubectl_refused.trace.engine_proofs import inspected
from kubectl_refused.trace.mentions import LOCALHOST, Mention, clients, mentions


@cause("KR616", scope=Scope.CONTAINER, produces=Symptom.RST, since="0.2")
def localhost_inside_container(scene: Scene) -> Iterator[Finding]:
    """Yield for each client that is told localhost with a port which is this container's, and none of its own."""
    container, port = scene.container, scene.published
    if container is None or port is None:
        return
    for client in clients(scene):
        told = next((m for m in mentions(client) if m.host in LOCALHOST and _meant(m, scene)), None)
        if told is None or client is container or _is_its_own(told, client):
            continue
        yield Finding(
            where=f"container {client.called}",
            says=f"{told}, and in {client.called} that is {client.called} itself",
            headline=f"{client.called} dials localhost, which is itself and not {container.called}",
            certainty=Certainty.LIKELY,
            evidence=(
                inspected(scene, client, f"Config.Env.{told.where}", f"{told.host}:{told.port}", str(told)),
            ),
            fix=Fix(summary=f"Let {told.where} of {client.called} name {container.called}:{port.number}"),
        )


def _meant(told: Mention, scene: Scene) -> bool:
    port = scene.published
    return port is not None and (told.port == port.number or any(told.port == number for _, number in port.places))


def _is_its_own(told: Mention, client: EngineContainer) -> bool:
    """Whether the client may well serve that port itself, or shares somebody's network."""
    mode = network_mode(client)
    shares = mode == "host" or mode.startswith(("container:", "service:"))
    return shares or any(port.number == told.port for port in ports_of(client))
