"""A firewall on the way, or on the host, rejects it with an ICMP error.

Why it refuses:
    No kernel sends "prohibited" or "port unreachable" for a TCP packet without a rule that says so: a closed
    port answers RST. The ICMP error carries the address of who rejected, which is the host itself (its own
    firewall; firewalld sends "administratively prohibited") or a router in front of it.
Confirm:
    nft list ruleset | grep -n reject; iptables-save | grep -n REJECT    # on the machine that is named
Fix:
    Let this machine's address and the port through, on the machine that rejects.
See:
    https://www.rfc-editor.org/rfc/rfc1812#section-5.2.7.1
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


@cause(
    "KR713",
    scope=Scope.ADDRESS,
    reads={HANDSHAKE},
    produces=Symptom.SILENCE,
    shows=Symptom.REJECT,
    since="0.4",
)
def rejected_on_the_way(scene: Scene) -> Iterator[Finding]:
    """Yield when an ICMP error that only rules send comes back from another machine."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REJECTED or failed.icmp is None or is_here(failed):
        return
    own = failed.icmp.offender == failed.host
    who = f"the firewall of {failed.host}" if own else f"{failed.icmp.offender}, on the way to {failed.host},"
    source = failed.source or "this machine"
    yield Finding(
        where=failed.icmp.offender,
        says="no kernel says so of TCP without a rule",
        headline=f"{who} rejects it",
        certainty=Certainty.PROVED,
        evidence=(packet(scene, failed),),
        fix=Fix(summary=f"Let TCP port {failed.port} from {source} through on {failed.icmp.offender}"),
    )
