"""No packet gets to the host: no route leads there, or nobody has its address.

Why it refuses:
    Without a route the kernel refuses by itself (network is unreachable), often because a name has an IPv6
    address and this machine has none. A route of type prohibit answers "permission denied". On its last hop a
    packet needs the link address of its target; where nobody answers that question (ARP, neighbour
    discovery), the kernel or the last router says "host unreachable": the host is off, or has another
    address. A firewall may send the same.
Confirm:
    ip route get ADDRESS; ip neigh show ADDRESS
Fix:
    Switch the host on, use its present address, or add the route (a VPN that is down is a missing route).
See:
    https://man7.org/linux/man-pages/man8/ip-route.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.judge.tellings import icmp_told
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import trouble
from kubectl_refused.trace.proofs import packet


@cause(
    "KR702",
    scope=Scope.ADDRESS,
    reads={HANDSHAKE},
    produces=Symptom.SILENCE,
    shows=Symptom.REJECT,
    since="0.4",
)
def no_way_to_host(scene: Scene) -> Iterator[Finding]:
    """Yield when the kernel has no route (proved), or somebody says that the host cannot be reached."""
    failed = trouble(scene)
    if failed is None:
        return
    routeless = failed.outcome is Outcome.UNREACHABLE and failed.errno == "ENETUNREACH" and failed.icmp is None
    prohibited = failed.outcome is Outcome.DENIED and failed.errno == "EACCES"
    if not (routeless or prohibited or failed.outcome is Outcome.UNREACHABLE):
        return
    says, headline = _told(failed, routeless, prohibited)
    yield Finding(
        where=f"the way to {failed.host}",
        says=says,
        headline=headline,
        certainty=Certainty.PROVED if routeless else Certainty.LIKELY,
        evidence=(packet(scene, failed),),
        fix=Fix(summary=_advice(failed, routeless or prohibited)),
    )


def _told(failed: Handshake, routeless: bool, prohibited: bool) -> tuple[str, str]:
    family = "IPv6" if ":" in failed.host else "IPv4"
    if routeless:
        return (
            f"no route of this machine leads to {failed.host}",
            f"this machine has no {family} route to {failed.host}",
        )
    if prohibited:
        return "connect ends with EACCES", f"a route of this machine prohibits {failed.host}"
    who = f" says {failed.icmp.offender}" if failed.icmp and failed.icmp.offender != failed.source else ""
    said = icmp_told(failed) or failed.errno
    return f"{said}{who}", f"nobody answers for the address {failed.host}{',' + who if who else ''}"


def _advice(failed: Handshake, routing: bool) -> str:
    if routing:
        return f"Look at ip route get {failed.host}; bring the network or VPN up that leads there"
    see = f"ip neigh show {failed.host} tells who answers for it"
    return f"Check that the host is on and still has the address {failed.host}; {see}"
