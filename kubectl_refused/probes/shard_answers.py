"""What one shard of a large scan wrote, decoded: as little trusted as any container's words.

A block of places comes as one bit each for every way to end, in every pass; what needs more words comes as the
agent's ordinary lines (probe_agent_answers.py). What no line tells of was not dialled, or its line was lost.
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from kubectl_refused.decoders import decoded
from kubectl_refused.model.facts import Dial, NameKey
from kubectl_refused.model.observation import Handshake, Lookup, Outcome
from kubectl_refused.probes.probe_agent_answers import MOST_TIMES, WITNESS, WORST_FIRST, Answers, request_of
from kubectl_refused.probes.shard_agent import BLOCK
from kubectl_refused.probes.shard_plan import Plan

BYTES = BLOCK // 8
_ENDS = ("accepted", "refused", "rejected", "timeout", "reset", "unreachable", "unresolved", "denied")
Kind = TypeVar("Kind", bound=msgspec.Struct)


class _Block(msgspec.Struct, rename={"number": "pass"}):
    block: int
    number: int
    ms: float = 0.0
    accepted: str = ""
    refused: str = ""
    rejected: str = ""
    timeout: str = ""
    reset: str = ""
    unreachable: str = ""
    unresolved: str = ""
    denied: str = ""


class _End(msgspec.Struct, forbid_unknown_fields=True):
    end: bool
    dialled: int
    seconds: float


@dataclass
class ShardAnswers:
    """The answers to a plan from one node; `ended` whether the shard got to its end."""

    plan: Plan
    ended: bool = False
    seconds: float = 0.0
    blocks: dict[tuple[int, int], dict[str, bytes]] = field(default_factory=dict)
    means: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._detail = Answers(self.plan.asked)
        self._index = self.plan.index

    def take_all(self, lines: Iterable[bytes]) -> None:
        """Understand lines, whatever is in them, up to the shard's last."""
        for line in lines:
            if self.ended:
                return
            if not (self._end(line) or self._block(line)):
                self._detail.take(line)

    @property
    def garbage(self) -> str:
        """The last line that was none of the agent's, empty where there was none."""
        return self._detail.last_garbage

    def lookup(self, name: str) -> Lookup | None:
        """What became of a name."""
        found = self._detail.values.get(request_of(NameKey(name)))
        return found if isinstance(found, Lookup) else None

    def handshake(self, host: str, port: int, source: str = "") -> Handshake | None:
        """The worst of what became of a place in all passes, None where it was not dialled."""
        index = self._index.get((host, port))
        counts = self._counts(index) if index is not None else Counter[Outcome]()
        detail = self._detail.values.get(request_of(Dial(host, port)))
        told = detail if isinstance(detail, Handshake) else None
        if told and told.tries > 1 and counts[Outcome.TIMEOUT] and told.outcome is not Outcome.TIMEOUT:
            # The lone second dial of a silent one: the first may have been a reject that was not said.
            counts[Outcome.TIMEOUT] -= 1
            counts[told.outcome] += 1
        if counts[Outcome.REJECTED] or counts[Outcome.UNREACHABLE]:
            del counts[Outcome.TIMEOUT]  # the kernel's limit on ICMP explains it, as in probe_agent.py
        return self._worst(Dial(host, port), +counts, told, source)

    def _worst(
        self, dial: Dial, counts: Counter[Outcome], told: Handshake | None, source: str
    ) -> Handshake | None:
        if not counts:
            return told
        ordered = sorted(counts, key=WORST_FIRST.index)
        heard = tuple((outcome, counts[outcome]) for outcome in ordered) if sum(counts.values()) > 1 else ()
        if told and told.outcome is ordered[0]:
            return msgspec.structs.replace(told, heard=heard)
        seconds = self.means.get(self._index[(dial.host, dial.port)] // BLOCK * BLOCK, 0.0)
        seconds = seconds if ordered[0] is Outcome.ACCEPTED else 0.0
        speaks = told.speaks if told else ""
        return Handshake(
            dial.host, dial.port, ordered[0], seconds, WITNESS, source=source, heard=heard, speaks=speaks
        )

    def _counts(self, index: int) -> Counter[Outcome]:
        first, byte, bit = index // BLOCK * BLOCK, index % BLOCK >> 3, 1 << (index & 7)
        counts: Counter[Outcome] = Counter()
        for number in range(MOST_TIMES):
            for end, bits in self.blocks.get((number, first), {}).items():
                counts[Outcome(end)] += bool(bits[byte] & bit)
        return +counts

    def _block(self, line: bytes) -> bool:
        said = _read(line, _Block)
        if said is None:
            return False
        if said.block % BLOCK or not 0 <= said.block < len(self.plan.places) or not 0 <= said.number < MOST_TIMES:
            return False
        bits = {end: unpacked for end in _ENDS if (unpacked := _unpacked(getattr(said, end)))}
        self.blocks[(said.number, said.block)] = bits
        self.means[said.block] = min(max(said.ms, 0.0), 3_600_000.0) / 1000
        return True

    def _end(self, line: bytes) -> bool:
        said = _read(line, _End)
        if said is None:
            return False
        self.ended, self.seconds = said.end, min(max(said.seconds, 0.0), 3600.0)
        return True


def _read(line: bytes, kind: type[Kind]) -> Kind | None:
    try:
        return decoded(line, kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _unpacked(text: str) -> bytes:
    """The bits of a block; empty where they are not that."""
    try:
        inflate = zlib.decompressobj()
        bits = inflate.decompress(base64.b85decode(text), BYTES + 1) if text else b""
    except (ValueError, zlib.error):
        return b""
    return bits if len(bits) == BYTES else b""
