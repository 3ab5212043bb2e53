"""A firewall rule of this machine drops or rejects the connection.

Why it refuses:
    Packets pass the rules of nftables and iptables before they reach a socket, listening or not, and what
    this machine sends passes rules too. One that drops makes the client wait until it gives up. One that
    rejects answers with an ICMP error, or with an RST, which looks like a port where nothing listens.
    firewalld and ufw write such rules for all that they were not told to let through.
Confirm:
    nft -a list ruleset; iptables-save    # the rule that is named
Fix:
    Let the port through, in the tool that wrote the rule: firewall-cmd, ufw, or the file that is loaded at
    boot.
See:
    https://wiki.nftables.org/wiki-nftables/index.php/Main_Page
    https://firewalld.org/documentation/man-pages/firewall-cmd.html
    https://manpages.ubuntu.com/manpages/noble/man8/ufw.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import FIREWALL, HANDSHAKE, MachineKey
from kubectl_refused.model.firewall import Action
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.firewalls import Stop
from kubectl_refused.trace.hosts import rule_told, stopping, trouble
from kubectl_refused.trace.proofs import packet

_MAY_BE_A_RULE = (Outcome.REFUSED, Outcome.REJECTED, Outcome.UNREACHABLE, Outcome.TIMEOUT)


@cause(
    "KR711",
    scope=Scope.ADDRESS,
    reads={HANDSHAKE, FIREWALL},
    produces=(Symptom.RST, Symptom.SILENCE, Symptom.REJECT),
    since="0.4",
)
def firewall_rule_stops_port(scene: Scene) -> Iterator[Finding]:
    """Yield the rule that the connection meets; likely where a rule before it may let it through."""
    failed = trouble(scene)
    if failed is None or failed.outcome not in _MAY_BE_A_RULE:
        return
    asked = scene.maybe if failed.outcome is Outcome.REFUSED else scene.need
    rules = asked(FIREWALL, MachineKey())
    stop = stopping(rules, failed) if rules else None
    if rules is None or stop is None:
        return
    yield Finding(
        where=stop.called,
        says=f"{stop.called} {_done(stop)}",
        headline=f"{_whose(stop)} on this machine {_done(stop, f' port {failed.port}')}",
        certainty=Certainty.PROVED if stop.certain else Certainty.LIKELY,
        evidence=(rule_told(rules, stop), packet(scene, failed)),
        fix=_fix(stop, failed),
    )


def _done(stop: Stop, port: str = "") -> str:
    """`drops`, `rejects port 80 with an RST`."""
    if stop.action is Action.DROP:
        return f"drops{port}"
    return f"rejects{port} with {'an RST' if stop.answer == 'tcp reset' else f'ICMP {stop.answer}'}"


def _whose(stop: Stop) -> str:
    if stop.manager:
        return f"a rule of {stop.manager}"
    return "the policy of a firewall's chain" if stop.rule is None else "a firewall rule"


def _fix(stop: Stop, failed: Handshake) -> Fix:
    """How the tool that wrote the rule lets the port through; what goes out is nobody's default."""
    incoming = stop.chain.hook != "output"
    if incoming and stop.manager == "ufw":
        return Fix(summary=f"Let port {failed.port} through", command=f"ufw allow {failed.port}/tcp", owner="ufw")
    if incoming and stop.manager == "firewalld":
        command = f"firewall-cmd --add-port={failed.port}/tcp"
        summary = f"Let port {failed.port} through, and keep it with --permanent as well"
        return Fix(summary=summary, command=command, owner="firewalld")
    way = f"to port {failed.port}" if incoming else f"to {failed.host} port {failed.port}"
    return Fix(summary=f"Accept TCP {way} before {stop.called}", owner=stop.manager or None)
