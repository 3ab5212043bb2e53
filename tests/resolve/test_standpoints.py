"""The words of --from."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.errors import UsageProblem
from kubectl_refused.resolve.standpoints import MOST, Standpoint, parse_standpoints


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["pod/web-1"], [Standpoint("Pod", "web-1")]),
        (["po/web-1", "pods/web-1"], [Standpoint("Pod", "web-1")]),
        (["deploy/web,sts/db"], [Standpoint("Deployment", "web"), Standpoint("StatefulSet", "db")]),
        (["ds/agent", "rs/web"], [Standpoint("DaemonSet", "agent"), Standpoint("ReplicaSet", "web")]),
        (["job/x"], [Standpoint("Job", "x")]),
        (["node/ip-10-0-0-1.ec2.internal"], [Standpoint("Node", "ip-10-0-0-1.ec2.internal")]),
        (["every-node", "here", "here"], [Standpoint("every-node"), Standpoint("here")]),
        ([], []),
    ],
)
def test_what_is_understood(words: list[str], meant: list[Standpoint]) -> None:
    assert list(parse_standpoints(words)) == meant


@pytest.mark.parametrize(
    "word", ["web", "svc/web", "pod/", "pod/Web", "pod/-x", "pod/a/b", "", "node", "secret/x"]
)
def test_what_is_not_gets_one_line_with_what_to_type(word: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_standpoints([word])
    assert "type --from" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_many_are_refused() -> None:
    with pytest.raises(UsageProblem, match="every-node"):
        parse_standpoints([f"pod/web-{i}" for i in range(MOST + 1)])


def test_a_standpoint_reads_as_it_is_typed() -> None:
    assert [str(p) for p in parse_standpoints(["deployments/web", "here"])] == ["deploy/web", "here"]


@given(st.text(max_size=80))
def test_hostile_words_end_in_a_usage_problem_or_a_standpoint(word: str) -> None:
    with contextlib.suppress(UsageProblem):
        assert all(isinstance(p, Standpoint) for p in parse_standpoints([word]))
