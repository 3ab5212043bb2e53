"""One round of questions to a probe agent: what may be asked, how, and what its answers become.

The same wherever the agent runs: inside the client (client_exec.py) or on this machine (here.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from kubectl_refused.model.facts import (
    BULK,
    HANDSHAKE,
    LOOKUP,
    NODE_SETTINGS,
    BulkDial,
    Fact,
    NameKey,
    Need,
    NodeView,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.patterns import lazily
from kubectl_refused.probes.base import Learnt, ProbeContext, ProbeSettings
from kubectl_refused.probes.probe_agent import BULKS, NO_QUEUE
from kubectl_refused.probes.probe_agent_answers import BLIND, Answers, Asked, Told, request_of

# What the agent can be asked for.
FACTS: frozenset[Fact[Any]] = frozenset({HANDSHAKE, LOOKUP, BULK, NODE_SETTINGS})

ALARM = 50  # seconds after which the agent ends itself
MARGIN = 5.0  # seconds for its answer to arrive
MOST_REQUESTS = 1000
AT_ONCE = 600  # needs of one round: the agent dials again, alone, only a few of those that are silent
WHAT = "a dial"
UNSOUND = Gap(WHAT, f"what to dial is no address or name with a port, or beyond {MOST_REQUESTS} at once")
HOST = lazily(r"[0-9A-Za-z_]([0-9A-Za-z_.:-]{0,251}[0-9A-Za-z_:.])?|::[0-9A-Fa-f:.]*")
# After these nobody asks who refused.
# Nobody refused what ended so: a reset here is an accept that died.
_ANSWERED = (Outcome.ACCEPTED, Outcome.RESET, Outcome.UNRESOLVED, Outcome.UNTRIED, Outcome.UNKNOWN)


def is_sound(subject: Asked) -> bool:
    """Whether it can be one of the agent's arguments: no spaces, no leading dash, a port in range."""
    if isinstance(subject, NameKey | NodeView):
        return bool(HOST.fullmatch(subject.name)) and ":" not in subject.name
    if isinstance(subject, BulkDial) and subject.speaks not in BULKS:
        return False
    return bool(HOST.fullmatch(subject.host)) and 0 < subject.port < 65536


def by_client(needs: Iterable[Need], context: ProbeContext) -> dict[str, list[Need]]:
    """Needs by the key of the client that asks, in order."""
    found: dict[str, list[Need]] = {}
    for need in needs:
        found.setdefault(context.client_of(need).key, []).append(need)
    return found


def batches(needs: Sequence[Need]) -> Iterator[Sequence[Need]]:
    """Needs in rounds that an agent can do in its time."""
    for start in range(0, len(needs), AT_ONCE):
        yield needs[start : start + AT_ONCE]


def asked_of(needs: Iterable[Need]) -> dict[str, Asked]:
    """What goes to the agent, by the word it is asked with: sound subjects, at most MOST_REQUESTS."""
    asked: dict[str, Asked] = {}
    for need in needs:
        if is_sound(need.subject) and len(asked) < MOST_REQUESTS:
            asked[request_of(need.subject)] = need.subject
    return asked


def words_of(settings: ProbeSettings, asked: Iterable[str]) -> list[str]:
    """The agent's arguments: its options, then what is asked."""
    repeated = ("--times", str(settings.dials)) if settings.dials > 1 else ()
    guess = ("--guess", "1") if settings.guess else ()
    options = ["--timeout", f"{settings.dial_timeout:g}", "--alarm", str(ALARM), "--hops", "1"]
    return [*options, *repeated, *guess, *asked]


def learnt(needs: Sequence[Need], answers: Answers, witness: str, gap: Gap) -> Iterator[Learnt]:
    """Yield the value of every need, told by `witness`; `gap` for what was asked and stays unanswered."""
    for need in needs:
        request = request_of(need.subject)
        value = answers.values.get(request)
        if value is not None:
            yield need, value if isinstance(value, Gap) else replace(value, witness=witness)
        else:
            yield need, gap if request in answers.asked else UNSOUND


def is_blind(values: Mapping[str, Told]) -> bool:
    """Whether something was refused and the agent could not see by whom: no error queue, or nc's word only."""
    return any(
        value.outcome not in _ANSWERED and (NO_QUEUE in value.detail or BLIND in value.detail)
        for value in values.values()
        if isinstance(value, Handshake)
    )
