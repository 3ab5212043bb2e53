"""Each case folder: its root exactly, its healthy twin silent; live, from objects alone, and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli.exit_codes import exit_code
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import FIREWALL, NAMESPACE, PODS_IN, POLICIES_IN, Fact
from kubectl_refused.model.report import Note
from kubectl_refused.model.target import Depth

from .case_folders import Case, cases
from .case_runs import Run, run, run_files

every_case = pytest.mark.parametrize("case", cases(), ids=str)


@every_case
def test_the_root_is_found(case: Case) -> None:
    told = run(case, "refused")
    root = told.of(case.cause)
    assert root is not None, f"nothing found; gaps: {told.diagnosis.gaps}"
    assert (root.name, root.certainty) == (case.expected.root, case.expected.certainty)
    assert case.expected.depth in (None, told.diagnosis.depth)
    missing = set(case.expected.chain) - set(told.found)
    assert not missing, f"not in the chain: {missing}"


@pytest.mark.parametrize(
    ("case", "dress"), [pytest.param(c, d, id=f"{c}-{d}") for c in cases() for d in c.dresses[1:]]
)
def test_the_root_is_found_in_another_dress(case: Case, dress: str) -> None:
    told = run(case, dress)
    root = told.of(case.cause)
    assert root is not None, f"gaps: {told.diagnosis.gaps}"
    assert root.name == case.expected.root
    assert root.certainty is not Certainty.POSSIBLE


@every_case
def test_the_root_says_where_and_shows_proof_and_a_fix(case: Case) -> None:
    root = run(case, "refused").of(case.cause)
    assert root is not None
    assert root.where
    assert root.evidence, "a claim without evidence"
    assert all(e.witness and e.subject and e.says for e in root.evidence)
    if isinstance(root, Note):
        assert not root.says.endswith(".")
        assert root.advice
    else:
        assert not root.headline.endswith(".")
        assert root.fix is not None
        assert root.fix.summary


@pytest.mark.parametrize("case", [c for c in cases() if c.cause.note], ids=str)
def test_a_note_changes_nothing_else(case: Case) -> None:
    """The outcome and its exit code are as without it, and what it could not learn is nothing missing."""
    of_kind: dict[str, list[Fact[Any]]] = {"Service": [POLICIES_IN, PODS_IN, NAMESPACE], "Address": [FIREWALL]}
    unread = of_kind.get(case.target.kind, [])
    told, without = run(case, "refused"), run(case, "refused", without=unread)
    assert exit_code(told.diagnosis) == 0
    assert exit_code(without.diagnosis) == 0
    assert without.diagnosis.notes == () or not unread
    assert [(p.outcome, p.summary) for p in told.diagnosis.paths] == [
        (p.outcome, p.summary) for p in without.diagnosis.paths
    ]


@every_case
def test_the_healthy_twin_is_silent(case: Case) -> None:
    for depth in (Depth.PODS, Depth.NONE):
        told = run(case, "healthy", depth)
        assert told.found == []
        assert not [note for note in told.diagnosis.notes if note.name == case.expected.root]


@every_case
def test_objects_alone(case: Case) -> None:
    _agrees(run(case, "refused", Depth.NONE), case.expected.objects)


@pytest.mark.parametrize("case", [c for c in cases() if c.target.in_cluster], ids=str)
def test_manifest_files(case: Case, tmp_path: Path) -> None:
    _agrees(run_files(case, "refused", tmp_path), case.expected.files)
    assert run_files(case, "healthy", tmp_path).found == []


def _agrees(told: Run, expected: str | None) -> None:
    """The root expected; without one nothing may be proved."""
    if expected:
        assert told.root == expected
    else:
        assert told.diagnosis.root is None or told.diagnosis.root.certainty is not Certainty.PROVED
