"""The server listens on loopback only, and another own address is asked.

Why it refuses:
    A socket bound to 127.0.0.1 or ::1 takes what is sent to that address. Packets for the machine's other
    addresses find no socket, so the kernel answers RST, also when they come from the machine itself. Other
    machines can reach the other addresses only: for them the port is closed whatever they try.
Confirm:
    ss -ltn 'sport = :PORT'
Fix:
    Bind the server to 0.0.0.0, or to [::] for both families (kubectl port-forward: --address 0.0.0.0); or use
    127.0.0.1 where only this machine is to reach it.
See:
    https://man7.org/linux/man-pages/man7/ip.7.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, MachineKey
from kubectl_refused.model.host import HostSocket
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import is_here, on_port, owned, proof, trouble
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.sockets import Standing, shown, standing

PORT_FORWARD = "kubectl port-forward"


@cause("KR722", scope=Scope.ADDRESS, reads={HANDSHAKE, HOST_SOCKETS}, produces=Symptom.RST, since="0.4")
def serves_loopback_only(scene: Scene) -> Iterator[Finding]:
    """Yield when every socket on the port is bound to loopback, and the address asked is none of theirs."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    mine = on_port(seen.sockets, failed.port)
    if standing(mine, failed.host, failed.port) is not Standing.LOOPBACK or (
        ":" in failed.host and failed.host == "::1"
    ):
        return
    bound = shown(mine)
    yield Finding(
        where=f"port {failed.port} of this machine",
        says=f"{owned(mine[0])} only, and {failed.host} is asked",
        headline=f"the server listens on {bound} only",
        evidence=(proof(seen, mine, f"{bound} LISTEN, nothing else on port {failed.port}"), packet(scene, failed)),
        fix=_fix(mine[0], failed.port, bound),
    )


def _fix(socket: HostSocket, port: int, bound: str) -> Fix:
    """kubectl port-forward binds to localhost unless it is told otherwise (kubectl port-forward --help)."""
    if socket.forwards.endswith(PORT_FORWARD):
        return Fix(summary=f"Add --address 0.0.0.0 to kubectl port-forward, or ask for {bound}")
    return Fix(summary=f"Bind {socket.process or 'the server'} to 0.0.0.0:{port}, or ask for {bound}")
