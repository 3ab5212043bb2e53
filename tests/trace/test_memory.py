"""Causes that said nothing are passed over in later rounds; all that is told must be what would be told anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from kubectl_refused.causes import Cause, Scope
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import EVENTS, FactStore, Need, PodKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Depth
from kubectl_refused.trace import ground, rulings
from kubectl_refused.trace.ignores import Ignores
from kubectl_refused.trace.memory import Memory
from kubectl_refused.trace.rulings import Ruling
from tests.case_folders import Case, cases
from tests.case_runs import run
from tests.scenery import pod, scene

ASKED, OTHER = Need(EVENTS, PodKey("shop", "web-1")), Need(EVENTS, PodKey("shop", "web-2"))


@pytest.mark.parametrize("case", cases(), ids=str)
def test_what_is_remembered_is_what_would_be_said_now(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    remembering, compared = rulings.rule, 0

    def both(made: Scene, causes: Sequence[Cause], ignores: Ignores, memory: Memory | None = None) -> Ruling:
        nonlocal compared
        told, anew = remembering(made, causes, ignores, memory), remembering(made, causes, ignores)
        assert _plain(told) == _plain(anew)
        compared += memory is not None
        return told

    monkeypatch.setattr(ground, "rule", both)
    for name in (*case.dresses, "healthy"):
        for depth in (Depth.PODS, Depth.NONE):
            run(case, name, depth)
    assert compared or case.cause.scope in (Scope.CONTAINER, Scope.ADDRESS, Scope.ENTRANCE) or _of_pods(case)


def test_a_silent_cause_is_asked_again_once_what_it_looked_at_is_learnt() -> None:
    asked: list[Scene] = []

    def check(made: Scene) -> Iterator[Finding]:
        asked.append(made)
        if made.known(EVENTS, ASKED.subject) is not None:
            yield Finding(where="here", says="they were read")

    cause = Cause("KR999", "asks", "pod", Scope.ROUTE, frozenset({EVENTS}), frozenset(), None, "0.1", "", check)
    looked: set[Need] = set()
    kept, path = Memory(looked), scene(pod("web-1"))

    def said(known: dict[Need, object]) -> list[str]:
        seen = replace(path, facts=FactStore(known, looked=looked))
        return [one.finding.says for one in rulings.rule(seen, [cause], memory=kept).found]

    assert said({}) == []
    kept.learnt([OTHER])
    assert said({OTHER: ()}) == []
    assert len(asked) == 1
    kept.learnt([ASKED])
    assert said({OTHER: (), ASKED: ()}) == ["they were read"]
    assert len(asked) == 2


def _plain(told: Ruling) -> object:
    found = [(one.cause.code, one.finding, one.scene, one.ignored) for one in (*told.found, *told.notes)]
    return found, [(one.cause.code, one.need, one.gap) for one in told.open]


def _of_pods(case: Case) -> bool:
    return case.cause.hop == "direct"
