"""Dials in words: what came back, and who sent it."""

from __future__ import annotations

from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.offenders import hops_away, offender_told

# ICMP destination unreachable, codes of RFC 792, RFC 1812 and RFC 4443.
_V4_CODES = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    9: "network prohibited",
    10: "host prohibited",
    13: "administratively prohibited",
}
_V6_CODES = {
    0: "no route",
    1: "administratively prohibited",
    3: "address unreachable",
    4: "port unreachable",
    5: "prohibited by policy",
    6: "rejected route",
}


def icmp_told(handshake: Handshake) -> str:
    """`ICMP port unreachable`, or empty without an ICMP error."""
    if handshake.icmp is None:
        return ""
    codes = _V6_CODES if ":" in handshake.icmp.offender else _V4_CODES
    return "ICMP " + codes.get(handshake.icmp.code, f"type {handshake.icmp.type} code {handshake.icmp.code}")


def rejecter(handshake: Handshake, scene: Scene) -> str:
    """Who sent the ICMP error, by name where the objects tell, and how far away; empty without one.

    The distance is a hint: the sender's first hop limit is guessed, and a tunnel counts as one hop.
    """
    told = offender_told(handshake, scene)
    away = hops_away(handshake.icmp.ttl) if handshake.icmp else None
    if away is None:
        return told
    return f"{told}, {away} router{'' if away == 1 else 's'} away" if away else f"{told}, no router away"


def signal_of(handshake: Handshake, scene: Scene) -> str:
    """What came back, in a word or two: RST, silence, or the ICMP error and its sender."""
    if handshake.icmp is not None:
        return f"{icmp_told(handshake)} from {offender_told(handshake, scene)}"
    words = {
        Outcome.ACCEPTED: "accepted",
        # A detail says that this prober cannot tell an RST from a reject (the nc form of the agent).
        Outcome.REFUSED: "RST" if handshake.first_hand and not handshake.detail else "refused",
        Outcome.TIMEOUT: "no answer",
        Outcome.RESET: "accepted, then closed",
    }
    return words.get(handshake.outcome, handshake.errno or handshake.outcome.value)


def dial_told(handshake: Handshake, scene: Scene) -> str:
    """One clause: `10.1.2.3:80 answered RST in 0.2 ms`."""
    where = place(handshake.host, handshake.port)
    if handshake.outcome is Outcome.TIMEOUT:
        return f"{where} gave no answer in {handshake.seconds:.1f} s"
    return f"{where} answered {signal_of(handshake, scene)} in {milliseconds(handshake.seconds)}"


def milliseconds(seconds: float) -> str:
    """`0.3 ms`, `12 ms`, `1.2 s`; 0 is less than the clock of the agent's sh form counts."""
    if seconds == 0:
        return "under 10 ms"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    value = seconds * 1000
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"
