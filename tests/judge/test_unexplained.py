"""A path without a ready endpoint is never called healthy, though no cause is found."""

from __future__ import annotations

import msgspec
import pytest

from kubectl_refused.cli.exit_codes import NO_FAULT, NOT_PROVED, exit_code
from kubectl_refused.judge.unexplained import WHAT
from kubectl_refused.judge.verdict import judge
from kubectl_refused.model.objects import Condition, Pod
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Depth
from kubectl_refused.trace.rulings import Ruling
from tests.scenery import TARGET, endpoint_slice, pod, scene


def judged(made: Scene) -> Diagnosis:
    return judge(TARGET, [Ruling(made, (), ())], context="", depth=Depth.NONE, gaps=(), touched=())


def told(made: Pod, *conditions: Condition) -> Pod:
    """The pod with these conditions."""
    assert made.status
    return msgspec.structs.replace(made, status=msgspec.structs.replace(made.status, conditions=conditions))


NOT_READY = Condition(
    type="Ready", status="False", reason="ContainersNotReady", message="unready:\x1b[31m\n [web]"
)


@pytest.mark.parametrize(
    ("conditions", "because"),
    [
        ((NOT_READY,), "the pods' Ready condition says: ContainersNotReady: unready: [web]"),
        ((Condition(type="Ready", status="Unknown"),), "the pods' Ready condition says: Unknown"),
        ((Condition(type="Ready", status="True"),), "its pods are ready, their endpoints are not"),
        ((), "its pods have no Ready condition yet"),
    ],
)
def test_without_a_ready_endpoint_it_says_what_the_pods_say(
    conditions: tuple[Condition, ...], because: str
) -> None:
    down = told(pod(ready=False), *conditions)
    diagnosis = judged(scene(down, endpoint_slice(down)))
    assert [(g.what, g.because) for g in diagnosis.gaps] == [(WHAT, because)]
    assert not diagnosis.complete
    assert exit_code(diagnosis) == NOT_PROVED


def test_without_pods_it_says_so() -> None:
    diagnosis = judged(scene(endpoint_slice()))
    assert [g.because for g in diagnosis.gaps] == ["no pod was seen behind the Service that could tell"]
    assert exit_code(diagnosis) == NOT_PROVED


@pytest.mark.parametrize(("ready", "origin"), [(True, "cluster"), (False, "files")])
def test_other_paths_stay_complete(ready: bool, origin: str) -> None:
    one = pod(ready=ready)
    diagnosis = judged(scene(one, endpoint_slice(one), origin=origin))
    of_files = ["only a live cluster tells"] if origin == "files" else []
    assert ([g.because for g in diagnosis.gaps], diagnosis.complete) == (of_files, True)
    assert exit_code(diagnosis) == NO_FAULT


def test_slices_nobody_could_read_are_no_missing_endpoints() -> None:
    made = scene(pod())
    unread = msgspec.structs.replace(made.snapshot, coverage=frozenset())
    assert judged(msgspec.structs.replace(made, snapshot=unread)).gaps == ()
