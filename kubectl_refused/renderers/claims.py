"""Evidence in words, for every format that people read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from kubectl_refused.model.evidence import (
    EventEvidence,
    Evidence,
    LogEvidence,
    NearestEvidence,
    ObjectEvidence,
    PacketEvidence,
    SocketEvidence,
    TrialEvidence,
    WitnessEvidence,
)

from .data import encoded


def kind_of(evidence: Evidence) -> str:
    """Who is heard: `sockets`, `packet`, `log`."""
    return str(evidence.__struct_config__.tag)


def told(evidence: Evidence, asked: str, *, wide: bool) -> str:
    """The claim, with its subject where it does not name it; in the wide form with its witness and field."""
    says = " ".join(filter(None, (_claim(evidence), *_details(evidence, wide))))
    subject = evidence.subject.rpartition("/")[2]
    named = subject in says or subject in asked
    told = [] if named else [evidence.subject]
    told += [f"by {evidence.witness}"] if wide and evidence.witness else []
    return f"{says} ({', '.join(told)})" if told else says


def _claim(evidence: Evidence) -> str:
    match evidence:
        case LogEvidence():
            return evidence.says if evidence.line in evidence.says else f"{evidence.says}: {evidence.line}"
        case EventEvidence():
            return evidence.says if evidence.reason in evidence.says else f"{evidence.reason}: {evidence.says}"
        case NearestEvidence():
            return ": ".join(filter(None, (evidence.says, _differing(evidence))))
        case ObjectEvidence() | SocketEvidence() | PacketEvidence() | WitnessEvidence() | TrialEvidence():
            return evidence.says
        case _:
            assert_never(evidence)


def _differing(evidence: NearestEvidence) -> str:
    """`tier=core is wanted, tier=c0re found`, for the keys whose value found is not yet told."""
    told = []
    for key, (wanted, found) in evidence.differs.items():
        if (found or key) not in evidence.says:
            told.append(f"{_pair(key, wanted)} is wanted, {_pair(key, found)} found")
    return "; ".join(told)


def _pair(key: str, value: str | None) -> str:
    return f"no {key}" if value is None else f"{key}={value}"


def _details(evidence: Evidence, wide: bool) -> Iterator[str]:
    if wide and isinstance(evidence, ObjectEvidence) and evidence.field:
        yield f"[{evidence.field}: {encoded(evidence.value).decode()}]"
