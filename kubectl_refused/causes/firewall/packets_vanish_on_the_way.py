"""Filtered: nothing comes back, neither an accept nor a refusal.

Why it refuses:
    A host that is reached answers every SYN: it accepts, or its kernel refuses at once with an RST (closed).
    A hang means that no answer arrived at all: a packet filter on the way or on the host drops the packet
    (filtered), a cloud's security group, a host firewall's default; or the host is off behind a router that
    does not say so. This machine's own rules were looked at where that is permitted.
Confirm:
    tcpdump -ni any 'tcp port PORT'    # on the host: whether the SYN arrives
Fix:
    Let the port through in the filter of the host or the network in front of it, for this machine's address.
See:
    https://nmap.org/book/man-port-scanning-basics.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import is_here, trouble
from kubectl_refused.trace.proofs import packet


@cause("KR712", scope=Scope.ADDRESS, reads={HANDSHAKE}, shows=Symptom.SILENCE, since="0.4")
def packets_vanish_on_the_way(scene: Scene) -> Iterator[Finding]:
    """Yield when a dial to another machine hangs, also the second one."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.TIMEOUT or is_here(failed):
        return
    source = f" from {failed.source}" if failed.source else ""
    yield Finding(
        where=f"the way to {failed.host}",
        says=f"a closed port would have answered RST at once; here nothing came in {failed.seconds:.1f} s",
        headline="filtered: something on the way or on the host drops it, or the host is off",
        certainty=Certainty.LIKELY,
        evidence=(packet(scene, failed),),
        fix=Fix(
            summary=f"Let TCP port {failed.port}{source} through in the firewall of {failed.host} or before it;"
            f" tcpdump -ni any 'tcp port {failed.port}' there shows whether the packet arrives"
        ),
    )
