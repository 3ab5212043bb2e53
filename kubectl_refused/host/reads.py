"""The Method `host`: what this machine tells of itself, when a dial to it has failed. Everything is only read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_refused.model.facts import FIREWALL, HOST_SOCKETS, MACHINE, SPACES, UNITS, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.host import HostSockets
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right


class HostReads:
    """Each fact is read when it is asked for, and no module for it is loaded before."""

    name = "host"
    order = 1
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({HOST_SOCKETS, FIREWALL, UNITS, SPACES, MACHINE})
    rights: tuple[Right, ...] = ()

    def __init__(self) -> None:
        """`unlikes` says whose the sockets on the port are not known to be."""
        self.unlikes: tuple[Gap, ...] = ()

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Yield each fact, or a Gap."""
        context.say("looking at this machine")
        for need in needs:
            value = _read(need)
            if isinstance(value, HostSockets):
                self.unlikes = _hidden(value, context.target.port or "")
            yield need, value


def _hidden(seen: HostSockets, port: str) -> tuple[Gap, ...]:
    """That the owners of the port's sockets are not shown to this user."""
    from .sockets import gaps_of

    return gaps_of([one for one in seen.sockets if str(one.port) == port])


def _read(need: Need) -> Any:
    if need.fact is HOST_SOCKETS:
        from .sockets import read_sockets

        seen = read_sockets()
        return seen.gaps[0] if seen.gaps and not seen.sockets else seen
    if need.fact is FIREWALL:
        from .firewall import read_firewall

        rules = read_firewall()
        return rules.gaps[0] if rules.gaps and not rules.chains else rules
    if need.fact is UNITS:
        from .systemd import read_units

        return read_units(need.subject.port)
    if need.fact is SPACES:
        from .spaces import read_spaces

        return read_spaces()
    if need.fact is MACHINE:
        from .machine import read_machine

        return read_machine()
    return Gap(need.fact.about, "this machine does not tell it")
