"""The server listens on another address of this machine than the one asked.

Why it refuses:
    A socket that is bound to one address takes what is sent to that address only. For the others of the
    machine, 127.0.0.1 among them, the port is closed and the kernel answers RST.
Confirm:
    ss -ltn 'sport = :PORT'
Fix:
    Ask for the address that it listens on, or bind it to 0.0.0.0.
See:
    https://man7.org/linux/man-pages/man7/ip.7.html
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
from kubectl_refused.trace.sockets import Standing, is_loopback, shown, standing


@cause("KR724", scope=Scope.ADDRESS, reads={HANDSHAKE, HOST_SOCKETS}, produces=Symptom.RST, since="0.4")
def listens_on_another_own_address(scene: Scene) -> Iterator[Finding]:
    """Yield when the sockets on the port are bound to single addresses, none of them the one asked."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    mine = on_port(seen.sockets, failed.port)
    how = standing(mine, failed.host, failed.port)
    same = is_loopback(failed.host) and any((":" in s.address) == (":" in failed.host) for s in mine)
    if how is not Standing.OTHER_ADDRESS and not (how is Standing.LOOPBACK and same):
        return
    bound = shown(mine)
    yield Finding(
        where=f"port {failed.port} of this machine",
        says=f"{owned(mine[0])} only, and {failed.host} is asked",
        headline=f"the server listens on {bound} only",
        evidence=(proof(seen, mine, f"{bound} LISTEN, nothing on {failed.host}"), packet(scene, failed)),
        fix=Fix(summary=f"Ask for {bound}, or bind {mine[0].process or 'the server'} to 0.0.0.0:{failed.port}"),
    )
