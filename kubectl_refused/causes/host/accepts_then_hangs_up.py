"""The host accepts, and closes the connection at once.

Why it refuses:
    Somebody completed the handshake and hung up before a byte was exchanged. A forwarder does that when
    nothing listens where it leads (docker-proxy, kubectl port-forward, ssh -L, a load balancer without
    backends); so does a server that does not want this client (tcp wrappers, too many connections), or one
    that crashes on every connection.
Confirm:
    curl -v http://HOST:PORT/    # "empty reply", "connection reset by peer"
Fix:
    Look at what stands behind the forwarder, or at the server's log.
See:
    https://docs.docker.com/engine/network/port-publishing/
    https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, MachineKey
from kubectl_refused.model.host import HostSockets
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import is_here, on_port, owned, proof, trouble
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.sockets import takes


@cause("KR729", scope=Scope.ADDRESS, reads={HANDSHAKE, HOST_SOCKETS}, shows=Symptom.RESET, since="0.4")
def accepts_then_hangs_up(scene: Scene) -> Iterator[Finding]:
    """Yield when a dial was accepted and closed; who accepted is known on this machine only."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.RESET:
        return
    seen = scene.maybe(HOST_SOCKETS, MachineKey()) if is_here(failed) else None
    yield _finding(scene, failed, seen)


def _finding(scene: Scene, failed: Handshake, seen: HostSockets | None) -> Finding:
    mine = [s for s in on_port(seen.sockets, failed.port) if takes(s, failed.host)] if seen else []
    leads = next((s.forwards for s in mine if s.forwards), "")
    evidence: list[Evidence] = [packet(scene, failed)]
    evidence += [proof(seen, mine, owned(mine[0]))] if seen and mine else []
    who = mine[0].owner if mine and mine[0].owner else f"port {failed.port} of {failed.host}"
    headline = (
        f"{who} only passes connections on, and nothing answers behind it"
        if leads
        else f"{who} hangs up by itself"
    )
    return Finding(
        where=f"port {failed.port} of {failed.host}",
        says=f"it leads to {leads}"
        if leads
        else "the connection was accepted and closed before a byte was exchanged",
        headline=headline,
        certainty=Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"See whether something listens where it leads: {leads}"
            if leads
            else f"Look at the log of {who}"
        ),
    )
