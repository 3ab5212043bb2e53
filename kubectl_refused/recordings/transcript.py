"""What one run read and saw, as values: all that its verdicts depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubectl_refused.model.facts import Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change
from kubectl_refused.model.target import Depth, Target, Vantage


@dataclass(frozen=True)
class Learnt:
    """One fact or Gap, what single methods could not do for it, and what whoever asked must be told."""

    need: Need
    value: Any
    failed: tuple[Gap, ...] = ()
    notices: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Round:
    """What was learnt at once, and where the dials of each client start since then."""

    learnt: tuple[Learnt, ...]
    vantages: tuple[Vantage, ...]


@dataclass(frozen=True)
class Transcript:
    """One target: the changes that were read, the vantages before anything was learnt, the rounds, the notices."""

    target: Target
    read: tuple[Change, ...]
    vantages: tuple[Vantage, ...] = (Vantage(""),)
    rounds: tuple[Round, ...] = ()
    notices: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Recording:
    """One run. `tool` is the version that wrote it; `origin` is the source's (cluster)."""

    tool: str
    context: str
    depth: Depth
    transcripts: tuple[Transcript, ...]
    origin: str = "cluster"

    @property
    def taken(self) -> float:
        """When the last object was read, in seconds since the epoch."""
        return max((change.at for one in self.transcripts for change in one.read), default=0.0)
