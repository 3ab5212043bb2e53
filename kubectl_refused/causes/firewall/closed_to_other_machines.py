"""It accepts from here, and this machine's firewall keeps all others out.

Why it refuses:
    Connections of this machine to itself come in through lo, which firewalls let through. Packets of other
    machines meet the rules behind that: a rule, or the policy of the chain, drops or rejects this port. Tried
    here it works; from the machine next to it, it does not.
Confirm:
    ufw status verbose; firewall-cmd --list-all; nft list ruleset
Fix:
    Let the port through if others are meant to reach it.
See:
    https://manpages.ubuntu.com/manpages/noble/man8/ufw.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import FIREWALL, HANDSHAKE, HOST_SOCKETS, MachineKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.firewalls import OUTSIDE, Packet, stops
from kubectl_refused.trace.hosts import is_here, on_port, owned, proof, rule_told
from kubectl_refused.trace.sockets import is_loopback


@cause("KR714", scope=Scope.ADDRESS, reads={HANDSHAKE, HOST_SOCKETS, FIREWALL}, since="0.4", note=True)
def closed_to_other_machines(scene: Scene) -> Iterator[Finding]:
    """Yield when a socket that all interfaces lead to is behind a rule that stops every other machine."""
    seen = [known for dial in scene.ways if (known := scene.maybe(HANDSHAKE, dial))]
    works = next((one for one in seen if one.outcome is Outcome.ACCEPTED and is_here(one)), None)
    if works is None:
        return
    # needed, not wished for: what a note lacks is nothing missing
    rules = scene.need(FIREWALL, MachineKey())
    packet = Packet("", "" if is_loopback(works.host) else works.host, works.port, interface_in=OUTSIDE)
    stop = next((s for s in stops(rules, packet, "input") if s.certain), None)
    if stop is None:
        return
    sockets = scene.need(HOST_SOCKETS, MachineKey())
    open_to_all = [s for s in on_port(sockets.sockets, works.port) if not is_loopback(s.address)]
    if not open_to_all:
        return
    yield Finding(
        where=stop.called,
        says=f"port {works.port} accepts from here; other machines are stopped by {stop.called}",
        evidence=(rule_told(rules, stop), proof(sockets, open_to_all, owned(open_to_all[0]))),
        fix=Fix(summary=f"Let TCP port {works.port} through there if others are meant to reach it"),
    )
