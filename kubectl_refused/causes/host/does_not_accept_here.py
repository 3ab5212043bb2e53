"""A process of this machine listens, and connections to it hang.

Why it refuses:
    The kernel completes handshakes until the queue of the listening socket is full, which happens when the
    process does not accept: it hangs, is stopped (SIGSTOP, a debugger), or is busy. Then it drops every
    further SYN without an answer, unless told otherwise (tcp_abort_on_overflow). No rule that was read here
    drops the connection.
Confirm:
    ss -ltn 'sport = :PORT'    # Recv-Q above Send-Q: the queue is full
Fix:
    See what the process waits for (its log, its state in ps), and restart it.
See:
    https://man7.org/linux/man-pages/man2/listen.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, MachineKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import is_here, on_port, owned, proof, trouble
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.sockets import takes


@cause("KR728", scope=Scope.ADDRESS, reads={HANDSHAKE, HOST_SOCKETS}, shows=Symptom.SILENCE, since="0.4")
def does_not_accept_here(scene: Scene) -> Iterator[Finding]:
    """Yield when a dial to this machine hangs though a socket takes it; likely, unless its queue is seen full."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.TIMEOUT or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    mine = [s for s in on_port(seen.sockets, failed.port) if takes(s, failed.host)]
    if not mine:
        return
    who = mine[0].owner or "the process"
    full = any(s.waiting is not None and s.backlog is not None and s.waiting > s.backlog for s in mine)
    says = (
        f"{mine[0].waiting} connections wait in its queue, which holds {mine[0].backlog}"
        if full
        else owned(mine[0])
    )
    yield Finding(
        where=f"port {failed.port} of this machine",
        says=says,
        headline=f"{who} listens, but does not accept" + (": its queue is full" if full else ""),
        certainty=Certainty.PROVED if full else Certainty.LIKELY,
        evidence=(proof(seen, mine, says), packet(scene, failed)),
        fix=Fix(summary=f"See what {who} waits for, in its log and by ps -o stat,wchan; restart it"),
    )
