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
            return " ".join(filter(None, (evidence.says, _difference(evidence))))
        case ObjectEvidence() | SocketEvidence() | PacketEvidence() | WitnessEvidence() | TrialEvidence():
            return evidence.says
        case _:
            assert_never(evidence)


def _difference(evidence: NearestEvidence) -> str:
    """`[-tier=c0re] [+tier=core]`: what is asked for, and what is there; of a missing key the first alone."""
    return " ".join(
        f"[{mark}{key}={value}]"
        for key, pair in evidence.differs.items()
        for mark, value in zip("-+", pair, strict=True)
        if value is not None
    )


def _details(evidence: Evidence, wide: bool) -> Iterator[str]:
    if wide and isinstance(evidence, ObjectEvidence) and evidence.field:
        yield f"[{evidence.field}: {encoded(evidence.value).decode()}]"
