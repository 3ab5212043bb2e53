"""A container asks its host for a server that is on the host's loopback only.

Why it refuses:
    host.docker.internal, and the gateway of a container's network, are addresses of the host on the engine's
    bridge. A server that is bound to 127.0.0.1 of the host takes nothing that is sent there: the host's kernel
    answers RST. It works from the host itself, and from no container but one with host networking.
Confirm:
    ss -ltn 'sport = :PORT'    # on the host: 127.0.0.1:PORT
    docker exec NAME cat /etc/hosts
Fix:
    Bind the server to the bridge's address, or to 0.0.0.0 behind a firewall; or run the container with
    --network host.
See:
    https://docs.docker.com/reference/cli/docker/container/run/#add-host
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, MachineKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_hosts import is_engines_machine
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.hosts import on_port, owned, proof, reached, trouble
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.sockets import is_loopback, shown


@cause("KR627", scope=Scope.ADDRESS, reads={HANDSHAKE, HOST_SOCKETS}, produces=Symptom.RST, since="0.5")
def loopback_server_asked_from_container(scene: Scene) -> Iterator[Finding]:
    """Yield when the host refuses a container, and every socket of the host on that port is bound to loopback."""
    failed, client = trouble(scene), client_in(scene)
    if failed is None or client is None or failed.outcome is not Outcome.REFUSED:
        return
    if not is_engines_machine(scene, failed.host):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    mine = on_port(seen.sockets, failed.port)
    if not mine or not all(is_loopback(socket.address) for socket in mine):
        return
    bound, server = shown(mine), mine[0].process or "the server"
    yield Finding(
        where=f"port {failed.port} of the engine's machine",
        says=f"{owned(mine[0])} only, and {client.called} asks for {failed.host}",
        headline=f"the server listens on {bound} of the host only, where no container gets in",
        evidence=(proof(seen, mine, f"{bound} LISTEN, nothing else on port {failed.port}"), packet(scene, failed)),
        fix=Fix(
            summary=f"Bind {server} to {reached(failed)}, the host's address on the bridge, or to 0.0.0.0;"
            f" or run {client.called} with --network host"
        ),
    )
