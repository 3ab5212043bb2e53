"""Dials that start in another container's network: by a process of ours that enters it, or by exec there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.probes.agent_round import UNSOUND, asked_of, by_client, is_blind, learnt, words_of
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.here import NO_ORIGIN, Here
from kubectl_refused.probes.probe_agent_answers import Answers
from kubectl_refused.probes.probe_agent_source import EITHER, PROGRAM, packed_source, shell_source
from kubectl_refused.text import one_line
from kubectl_refused.trace.aliases import is_address

from .connect import api_of
from .proc_listeners import is_its_process

WHAT = "a dial inside the client"
CANNOT = "its image has neither python3 nor sh with nc"
# setns(2); os.setns is of Python 3.12. Only the network is entered: files and programs stay this machine's.
ENTER = """import ctypes,os,sys
if ctypes.CDLL(None,use_errno=True).setns(os.open("/proc/%d/ns/net",os.O_RDONLY),0):
    sys.exit(os.strerror(ctypes.get_errno()))
"""


def client_of(snapshot: Snapshot, name: str) -> EngineContainer | None:
    """The container that a client's name (`docker/cart`) stands for."""
    word = name.partition("/")[2]
    found = (c for c in snapshot.containers() if c.called == word or (len(word) >= 4 and c.id.startswith(word)))
    return next(found, None)


class InNetwork(Here):
    """The agent as a process of this machine in the client's network namespace; needs root and the engine here."""

    name = "in-network"
    order = 4
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE})

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether the client is a container and an address is dialled: names would be this machine's here."""
        return context.client_of(need).standing == "container" and is_address(need.subject.host)

    def _round(self, key: str, needs: Sequence[Need], context: ProbeContext) -> Iterator[Learnt]:
        name = context.client_of(needs[0]).name
        client = client_of(context.snapshot, name)
        gap = _not_enterable(client, context.snapshot)
        if client is None or gap:
            yield from ((need, gap or Gap(WHAT, "it is gone")) for need in needs)
            return
        self._program = ENTER % client.state.pid + packed_source()
        yield from super()._round(key, needs, context)
        if key in self.vantages:
            self.vantages[key] = Vantage("container", name=name, key=key)


class InContainer:
    """The agent by exec in the client itself."""

    name = "in-container"
    order = 6
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE, LOOKUP})
    rights: tuple[Right, ...] = ()

    def __init__(self) -> None:
        self.vantages: dict[str, Vantage] = {}
        self.unlikes: tuple[Gap, ...] = ()

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether the need's client is a container."""
        return context.client_of(need).standing == "container"

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterator[Learnt]:
        """Yield a Handshake for each Dial, a Lookup for each name, or a Gap."""
        context.say("dialling inside the client")
        for key, asked in by_client(needs, context).items():
            name = context.client_of(asked[0]).name
            client, answers = client_of(context.snapshot, name), Answers(asked_of(asked))
            gap = Gap(WHAT, "it does not run")
            if client and client.state.status == "running" and answers.asked:
                gap = self._ask(client, answers, context)
            if answers.values:
                self.vantages[key] = Vantage("container", name=name, key=key)
            if is_blind(answers.values):
                self.unlikes = (NO_ORIGIN,)
            yield from learnt(asked, answers, self.name, gap if answers.asked else UNSOUND)

    def _ask(self, client: EngineContainer, answers: Answers, context: ProbeContext) -> Gap:
        touch = f"exec in container {client.called}: the probe agent"
        context.ledger.record(touch, "ended by itself")
        words = words_of(context.settings, answers.asked)
        argv = ["sh", "-c", EITHER, PROGRAM, packed_source(), shell_source(), *words]
        try:
            run = api_of(context).exec_create(client.id, argv)["Id"]
            said = api_of(context).exec_start(run)
        except Exception as error:
            return Gap(WHAT, one_line(str(error)))
        answers.take_all(said.splitlines())
        return Gap(WHAT, answers.last_garbage or CANNOT)


def _not_enterable(client: EngineContainer | None, snapshot: Snapshot) -> Gap | None:
    if client is None or not client.state.pid:
        return Gap(WHAT, "the client does not run")
    if not snapshot.engine.local:
        return Gap(WHAT, "the client is on another machine")
    return None if is_its_process(client) else Gap(WHAT, "the client's processes cannot be seen from here")
