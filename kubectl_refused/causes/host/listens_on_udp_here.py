"""The port takes UDP here, and no TCP.

Why it refuses:
    Ports of UDP and TCP are apart: a server that listens on UDP only (DNS without its TCP half, syslog, QUIC)
    leaves the TCP port of the same number closed, and the kernel answers RST.
Confirm:
    ss -lnp 'sport = :PORT'
Fix:
    Make the server listen on TCP too, or use UDP.
See:
    https://man7.org/linux/man-pages/man8/ss.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, MachineKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import is_here, on_port, owned, proof, trouble
from kubectl_refused.trace.proofs import packet


@cause(
    "KR726",
    scope=Scope.ADDRESS,
    reads={HANDSHAKE, HOST_SOCKETS},
    produces=(Symptom.RST, Symptom.NO_LISTENER),
    since="0.4",
)
def listens_on_udp_here(scene: Scene) -> Iterator[Finding]:
    """Yield when the port has a UDP socket and no TCP one."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    datagrams = on_port(seen.sockets, failed.port, "udp")
    if on_port(seen.sockets, failed.port) or not datagrams:
        return
    yield Finding(
        where=f"port {failed.port} of this machine",
        says=f"{owned(datagrams[0])} takes UDP only",
        headline=f"port {failed.port} is UDP here, and TCP is asked",
        evidence=(proof(seen, datagrams, f"{datagrams[0].shown} takes UDP, nothing TCP"), packet(scene, failed)),
        fix=Fix(
            summary=f"Make {datagrams[0].process or 'the server'} listen on TCP port {failed.port} too, or use UDP"
        ),
    )
