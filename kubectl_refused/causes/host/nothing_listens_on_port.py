"""Closed: nothing on this machine listens on the port.

Why it refuses:
    The kernel answers a SYN for which there is no socket with an RST, at once: the port is closed, not
    filtered. The server is not running, or it listens on another port: what is near is named (8081 beside
    8080).
Confirm:
    ss -ltnp 'sport = :PORT'; kubectl refused listen
Fix:
    Start the server, or ask for the port that it listens on.
See:
    https://man7.org/linux/man-pages/man8/ss.8.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, MACHINE, SPACES, UNITS, MachineKey
from kubectl_refused.model.host import HostSocket
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import down_for, is_here, next_door, on_port, owned, proof, spaces_with, trouble
from kubectl_refused.trace.proofs import packet

# Whose ports a person may mean who is inside something; what is asked about is the inside.
_BEYOND = {
    "wsl": "; this is WSL: a server of Windows is at the address that ip route show default names",
    "container": "; this is a container: a server of the machine around it is at its gateway",
}


@cause(
    "KR721",
    scope=Scope.ADDRESS,
    reads={HANDSHAKE, HOST_SOCKETS, UNITS, SPACES, MACHINE},
    produces=Symptom.RST,
    shows=Symptom.NO_LISTENER,
    since="0.4",
)
def nothing_listens_on_port(scene: Scene) -> Iterator[Finding]:
    """Yield when this machine refuses, has no TCP socket on the port, and nothing tells why."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    if on_port(seen.sockets, failed.port) or down_for(scene, failed, seen) or spaces_with(scene, failed, seen):
        return
    near = next_door(seen.sockets, failed.port)
    machine = scene.maybe(MACHINE, MachineKey())
    beyond = "" if near or machine is None else _BEYOND.get(machine.kind, "")
    says = f"no TCP socket of this machine is on port {failed.port}"
    yield Finding(
        where=f"port {failed.port} of this machine",
        says=f"closed, not filtered: {says}" + (f"; next door: {', '.join(map(owned, near))}" if near else ""),
        headline=f"nothing listens on port {failed.port} here" + (f", but {owned(near[0])}" if near else ""),
        evidence=(proof(seen, near, says), packet(scene, failed)),
        fix=Fix(summary=_advice(near, failed) + beyond),
    )


def _advice(near: Sequence[HostSocket], failed: Handshake) -> str:
    start = f"Start the server that is meant to listen on port {failed.port}"
    return f"{start}, or ask for port {near[0].port}" if near else start
