"""What the scheduler says of several nodes at once: the reason nearest to fitting is told."""

from __future__ import annotations

import pytest

from kubectl_refused.model.target import Depth
from tests.case_folders import Case, cases
from tests.case_runs import run


def of(dress: str) -> str:
    (case,) = [one for one in cases() if str(one) == "pod/unschedulable"]
    return headline(case, dress)


def headline(case: Case, dress: str) -> str:
    root = run(case, dress, Depth.NONE).diagnosis.root
    assert root is not None
    return root.headline


@pytest.mark.parametrize(
    ("dress", "told"),
    [
        ("refused-host-port-taken", "its hostPort is taken on every node that it may run on"),
        ("refused", "no node carries its nodeSelector disktype=ssd"),
    ],
)
def test_the_reason_nearest_to_fitting_is_told(dress: str, told: str) -> None:
    assert of(dress) == told
