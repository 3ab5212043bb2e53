"""The server listens in one address family, and the other is asked.

Why it refuses:
    A socket bound to 0.0.0.0 or 127.0.0.1 takes no IPv6, and one bound to [::] no IPv4 where IPV6_V6ONLY is
    set. Names often have addresses of both (localhost is ::1 and 127.0.0.1); a client that tries one of them
    only is refused, while others fall back and never notice.
Confirm:
    ss -ltn 'sport = :PORT'; curl -4 and curl -6
Fix:
    Listen on [::] without IPV6_V6ONLY, or ask for the family that it listens in (127.0.0.1 in place of
    localhost).
See:
    https://man7.org/linux/man-pages/man7/ipv6.7.html
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


@cause("KR723", scope=Scope.ADDRESS, reads={HANDSHAKE, HOST_SOCKETS}, produces=Symptom.RST, since="0.4")
def listens_in_one_family_here(scene: Scene) -> Iterator[Finding]:
    """Yield when the sockets on the port are of the other family, or wildcards that leave this one out."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    mine = on_port(seen.sockets, failed.port)
    how = standing(mine, failed.host, failed.port)
    loopback = how is Standing.LOOPBACK and all((":" in s.address) != (":" in failed.host) for s in mine)
    if how is not Standing.OTHER_FAMILY and not (loopback and is_loopback(failed.host)):
        return
    asked = "IPv6" if ":" in failed.host else "IPv4"
    other = "127.0.0.1" if asked == "IPv6" else "[::1]"
    bound = shown(mine)
    yield Finding(
        where=f"port {failed.port} of this machine",
        says=f"{owned(mine[0])} takes no {asked}, and {failed.host} is asked",
        headline=f"the server does not listen on {asked}",
        evidence=(proof(seen, mine, f"{bound} LISTEN, nothing of {asked}"), packet(scene, failed)),
        fix=Fix(summary=f"Listen on [::]:{failed.port} without IPV6_V6ONLY, or ask for {other}:{failed.port}"),
    )
