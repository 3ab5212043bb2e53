"""The two containers are on no network together.

Why it refuses:
    Containers reach each other on a network of both only. Elsewhere the other one's name does not resolve, and
    the engine drops packets between its networks, so its address gives no answer. Each compose project has a
    network of its own (KR610), as long as no other is named.
Confirm:
    docker inspect -f '{{json .NetworkSettings.Networks}}' NAME OTHER
Fix:
    Connect one of them to a network of the other; in compose files name that network as external.
See:
    https://docs.docker.com/compose/how-tos/networking/#connect-to-an-existing-network
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import PROJECT, network_mode, shared_networks
from kubectl_refused.trace.engine_proofs import dead, inspected, way_packets
from kubectl_refused.trace.mentions import Mention, clients, mentions, names_of


@cause("KR609", scope=Scope.CONTAINER, produces=(Symptom.NO_NAME, Symptom.SILENCE), since="0.2", also=("KR610",))
def networks_not_shared(scene: Scene) -> Iterator[Finding]:
    """Yield when the client is a container, and neither is on the host's network or in the other's namespace."""
    for client in clients(scene):
        told = next((m for m in mentions(client) if scene.container and m.host in names_of(scene.container)), None)
        if not scene.from_files or told:
            yield from _apart(scene, client, told)


def _apart(scene: Scene, client: EngineContainer, told: Mention | None) -> Iterator[Finding]:
    container = scene.container
    if container is None or container is client or dead(scene):
        return
    modes = (network_mode(container), network_mode(client))
    if any(mode == "host" or mode.startswith("container:") for mode in modes) or shared_networks(
        container, client
    ):
        return
    mine, theirs = _names(container), _names(client)
    says = f"{container.called} is on {mine}, {client.called} on {theirs}: no network of both"
    network = next(iter(container.network_settings.networks or {}), "NETWORK")
    yield Finding(
        where=f"container {container.called}",
        says=says,
        headline=f"{client.called} and {container.called} share no network" + _projects(container, client),
        evidence=(
            inspected(scene, container, "NetworkSettings.Networks", mine, f"{container.called} is on {mine}"),
            inspected(scene, client, "NetworkSettings.Networks", theirs, f"{client.called} is on {theirs}"),
            *([inspected(scene, client, f"Config.Env.{told.where}", told.host, str(told))] if told else []),
            *way_packets(scene),
        ),
        fix=Fix(
            summary=f"Connect {client.called} to {network}",
            command=f"{scene.snapshot.engine.tool} network connect {network} {client.called}"
            if network not in ("none", "host")
            else None,
        ),
    )


def _names(container: EngineContainer) -> str:
    return ", ".join(container.network_settings.networks or {}) or "no network"


def _projects(container: EngineContainer, client: EngineContainer) -> str:
    """Each compose project makes a network of its own."""
    one, other = ((c.config.labels or {}).get(PROJECT, "") for c in (container, client))
    return f": they are of two compose projects, {one} and {other}" if one and other and one != other else ""
