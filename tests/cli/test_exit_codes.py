"""The table of exit codes."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from kubectl_refused.cli.commands.diagnose import COMMAND
from kubectl_refused.cli.exit_codes import MEANINGS, NO_FAULT, NOT_PROVED, PROVED, exit_code
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, DiagnosisList, Path, Root

Reached = Literal["objects", "passive", "packets"]


def _root(certainty: Certainty) -> Root:
    return Root(code="KR1", name="x", certainty=certainty, where="", says="", headline="", evidence=(), fix=None)


def _diagnosis(outcome: Outcome, root: Root | None = None, depth: Reached = "packets", **more: Any) -> Diagnosis:
    values: dict[str, Any] = {"paths": (), "gaps": (), "touched": (), **more}
    return Diagnosis(
        target="svc/web", context="", namespace="shop", depth=depth, outcome=outcome, root=root, **values
    )


def _path(root: Root | None, *chain: Root) -> Path:
    return Path(
        vantage="", entrance="", port="", family="", outcome=Outcome.REFUSED, root=root, chain=chain, hops=()
    )


PROVED_ROOT, LIKELY, POSSIBLE = (_root(certainty) for certainty in Certainty)


@pytest.mark.parametrize(
    ("diagnosis", "code"),
    [
        (_diagnosis(Outcome.ACCEPTED), NO_FAULT),
        (_diagnosis(Outcome.UNTRIED, depth="objects"), NO_FAULT),
        (_diagnosis(Outcome.UNTRIED, depth="passive"), NOT_PROVED),
        (_diagnosis(Outcome.UNTRIED), NOT_PROVED),
        (_diagnosis(Outcome.ACCEPTED, complete=False), NOT_PROVED),
        (_diagnosis(Outcome.UNTRIED, depth="objects", complete=False), NOT_PROVED),
        (_diagnosis(Outcome.REFUSED), NOT_PROVED),
        (_diagnosis(Outcome.MIXED), NOT_PROVED),
        (_diagnosis(Outcome.UNKNOWN), NOT_PROVED),
        (_diagnosis(Outcome.REFUSED, PROVED_ROOT), PROVED),
        (_diagnosis(Outcome.UNTRIED, PROVED_ROOT, "objects"), PROVED),
        (_diagnosis(Outcome.REFUSED, PROVED_ROOT, complete=False), PROVED),
        (_diagnosis(Outcome.REFUSED, LIKELY), NOT_PROVED),
        (_diagnosis(Outcome.UNTRIED, POSSIBLE, "objects"), NOT_PROVED),
        (_diagnosis(Outcome.REFUSED, LIKELY, paths=(_path(LIKELY), _path(PROVED_ROOT))), PROVED),
        (_diagnosis(Outcome.REFUSED, LIKELY, paths=(_path(LIKELY, PROVED_ROOT),)), PROVED),
    ],
)
def test_one_diagnosis(diagnosis: Diagnosis, code: int) -> None:
    assert exit_code(diagnosis) == code


def test_of_several_1_beats_3_beats_0() -> None:
    fine, open_, proved = (
        _diagnosis(Outcome.ACCEPTED),
        _diagnosis(Outcome.TIMEOUT),
        _diagnosis(Outcome.TIMEOUT, PROVED_ROOT),
    )
    assert exit_code(DiagnosisList(items=(fine, open_, proved))) == PROVED
    assert exit_code(DiagnosisList(items=(open_, fine))) == NOT_PROVED
    assert exit_code(DiagnosisList(items=(fine, fine))) == NO_FAULT
    assert exit_code(DiagnosisList(items=())) == NO_FAULT


def test_help_tells_every_code() -> None:
    for code, meaning in MEANINGS.items():
        assert str(code) in COMMAND.details
        assert code > 128 or meaning in COMMAND.details
