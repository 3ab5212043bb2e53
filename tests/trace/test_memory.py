"""What causes said is kept between rounds; it must be what they would say anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubectl_refused.causes import Cause, Scope
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import EVENTS, FactStore, Need, PodKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Depth
from kubectl_refused.trace import memory
from kubectl_refused.trace.memory import Memory, Told
from tests.case_folders import Case, cases
from tests.case_runs import run
from tests.scenery import pod, scene

ASKED, OTHER = Need(EVENTS, PodKey("shop", "web-1")), Need(EVENTS, PodKey("shop", "web-2"))


@pytest.mark.parametrize("case", cases(), ids=str)
def test_what_is_remembered_is_what_would_be_said_now(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, compared = Memory.told_by, 0

    def checked(self: Memory, cause: Cause, view: Scene, place: int) -> Told:
        nonlocal compared
        told = kept(self, cause, view, place)
        assert _plain(told) == _plain(memory.told_by(cause, view)), cause.name
        compared += 1
        return told

    monkeypatch.setattr(Memory, "told_by", checked)
    for name in (*case.dresses, "healthy"):
        for depth in (Depth.PODS, Depth.NONE):
            run(case, name, depth)
    assert compared or case.cause.scope in (Scope.CONTAINER, Scope.ADDRESS, Scope.ENTRANCE) or _of_pods(case)


def test_a_cause_is_asked_again_once_what_it_looked_at_is_learnt() -> None:
    asked: list[Scene] = []

    def check(made: Scene) -> Iterator[Finding]:
        asked.append(made)
        yield Finding(where="here", says=str(made.known(EVENTS, ASKED.subject)))

    cause = Cause("KR999", "asks", "pod", Scope.ROUTE, frozenset({EVENTS}), frozenset(), None, "0.1", "", check)
    kept, path = Memory(), scene(pod("web-1"))
    first = _seen(path, kept, {})
    kept.told_by(cause, first, 0)
    kept.learnt([OTHER])
    assert kept.told_by(cause, _seen(path, kept, {OTHER: ()}), 0) == kept.told_by(cause, first, 0)
    assert len(asked) == 1
    kept.learnt([ASKED])
    (told,) = kept.told_by(cause, _seen(path, kept, {ASKED: ()}), 0)  # type: ignore[misc]
    assert (told.says, len(asked)) == ("()", 2)


def _seen(path: Scene, kept: Memory, known: dict[Need, object]) -> Scene:
    from msgspec.structs import replace

    return replace(path, facts=kept.watching(FactStore(known)))


def _plain(told: Told) -> object:
    return told if isinstance(told, tuple) else (told.need, told.gap)


def _of_pods(case: Case) -> bool:
    return case.cause.hop == "direct"
