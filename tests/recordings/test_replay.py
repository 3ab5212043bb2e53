"""The law of recordings: whatever a run read and saw, its verdict replays from the file, field by field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.target import Depth
from kubectl_refused.pipeline import diagnose
from kubectl_refused.recordings.bundle import packed, unpacked
from kubectl_refused.recordings.recorder import RecordedLearner, RecordedSource
from kubectl_refused.recordings.replay import ReplayedLearner, ReplayedSource
from kubectl_refused.recordings.transcript import Recording
from tests.case_folders import Case, cases
from tests.case_runs import CaseLearner, CaseSource, run


def recorded(case: Case, name: str, depth: Depth) -> tuple[Diagnosis, Recording]:
    """A case diagnosed through the recorder."""
    world = case.world(name)
    learner = CaseLearner(world, case.observed(name), case.target.namespace, depth, (), case.expected.vantages)
    source, tape = RecordedSource(CaseSource(world, case.taken(name))), RecordedLearner(learner)
    told = diagnose(case.target, source, tape, depth=depth, context="kind-dev")
    transcript = tape.transcript(case.target, source.read_of[case.target])
    return told, Recording("1.2.3", "kind-dev", depth, (transcript,))


def replayed(recording: Recording) -> Diagnosis:
    """The verdict of a recording of one target."""
    (one,) = recording.transcripts
    source, learner = ReplayedSource(recording), ReplayedLearner(one)
    return diagnose(one.target, source, learner, depth=recording.depth, context=recording.context)


@pytest.mark.parametrize("case", [c for c in cases() if c.target.is_service], ids=str)
def test_the_same_verdict_replays_and_needs_nothing_that_is_masked(case: Case) -> None:
    told, recording = recorded(case, "refused", Depth.PODS)
    again = unpacked(packed(recording), "bundle.tgz")
    assert again == recording
    assert replayed(again) == told
    assert essence(told) == essence(run(case, "refused").diagnosis)


def essence(told: Diagnosis) -> Any:
    """Outcomes and causes of every path, in order."""
    return [
        (p.outcome, p.port, p.family, p.root and (p.root.code, p.root.certainty), [r.code for r in p.chain])
        for p in told.paths
    ] + [msgspec.to_builtins(n.code) for n in told.notes]
