"""The port is open in another network namespace of this machine only.

Why it refuses:
    That is a container's as a rule. A container without host networking has ports of its own. Nothing on the
    machine's own addresses leads to them unless the port is published, or asked for at the container's
    address: the machine's port is closed.
Confirm:
    lsns -t net; nsenter -t PID -n ss -ltn
Fix:
    Publish the port (docker run -p), or run the server in the machine's own network.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix, SocketEvidence
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, SPACES, MachineKey
from kubectl_refused.model.host import Space
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import is_here, spaces_with, trouble
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.sockets import shown

MOST_TOLD = 3


@cause(
    "KR727",
    scope=Scope.ADDRESS,
    reads={HANDSHAKE, HOST_SOCKETS, SPACES},
    produces=(Symptom.RST, Symptom.NO_LISTENER),
    since="0.4",
)
def listens_in_another_namespace(scene: Scene) -> Iterator[Finding]:
    """Yield when nothing here listens on the port, and something elsewhere on this machine does: likely meant."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    others = spaces_with(scene, failed, seen)
    if not others:
        return
    named = ", ".join(space.called for space in others[:MOST_TOLD])
    yield Finding(
        where=f"port {failed.port} of this machine",
        says=f"it is open in the network namespace of {named}, and nothing leads there from this one",
        headline=f"port {failed.port} is open only in the network namespace of {others[0].called}",
        certainty=Certainty.LIKELY,
        evidence=(*(_proof(space, failed.port) for space in others[:MOST_TOLD]), packet(scene, failed)),
        fix=Fix(
            summary=f"Publish port {failed.port} of {others[0].called}, or run it in the machine's own network"
        ),
    )


def _proof(space: Space, port: int) -> SocketEvidence:
    mine = [socket for socket in space.sockets if socket.port == port]
    return SocketEvidence(
        witness="/proc",
        subject=space.called,
        says=f"{shown(mine)} LISTEN in the network namespace of {space.called}",
        listeners=tuple(socket.shown for socket in mine),
        process=space.process,
    )
