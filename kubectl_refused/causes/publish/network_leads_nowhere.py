"""The container's only network is internal, or it has none.

Why it refuses:
    Nothing leaves an internal network and nothing is published from it: the engine leaves -p out without a
    word. A container with --network none (KR607) has nothing but its own loopback.
Confirm:
    docker network inspect -f '{{.Internal}}' NETWORK
Fix:
    Connect the container to another network as well, and publish the port there.
See:
    https://docs.docker.com/reference/cli/docker/network/create/#network-internal-mode
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in, network_mode, networks_of
from kubectl_refused.trace.engine_proofs import dead, inspected, way_packets


@cause("KR606", scope=Scope.CONTAINER, produces=Symptom.RST, since="0.2", also=("KR607",))
def network_leads_nowhere(scene: Scene) -> Iterator[Finding]:
    """Yield when a client on the host asks for a port of a container whose networks are all internal, or none."""
    container = scene.container
    if container is None or client_in(scene) or dead(scene):
        return
    if scene.from_files and not container.host_config.port_bindings:
        return  # nobody meant to publish it
    none = network_mode(container) == "none"
    networks = networks_of(container, scene.snapshot)
    if not none and not (networks and all(network.internal for network in networks)):
        return
    names = ", ".join(network.name for network in networks)
    told = "has no network" if none else f"is on {names} only, which is internal"
    path = "HostConfig.NetworkMode" if none else "NetworkSettings.Networks"
    evidence: list[Evidence] = [
        inspected(scene, container, path, "none" if none else names, f"{container.called} {told}")
    ]
    yield Finding(
        where=f"container {container.called}",
        says=f"{container.called} {told}: nothing is published from there",
        headline="the container has no network" if none else "the container's only network is internal",
        evidence=(*evidence, *way_packets(scene)),
        fix=_fix(container.called, none=none),
    )


def _fix(name: str, *, none: bool) -> Fix:
    if none:
        return Fix(summary=f"Create {name} anew without --network none")
    return Fix(summary=f"Put {name} on a network that is not internal as well, and create it anew with -p")
