"""Log lines: the last ones, clean, masked, and never an error text of the kubelet's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem
from kubectl_refused.connection.logs import LARGEST_LOG
from kubectl_refused.model.facts import LOG, ContainerKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Log
from kubectl_refused.probes.container_log import LINES, LONGEST_LINE, ContainerLog, shown_lines
from tests.fakes import FakeConnection, ask, forbidden, probe_context

KEY = ContainerKey("shop", "web-1", "web")
PATH = "/api/v1/namespaces/shop/pods/web-1/log"


def test_lines_are_clean_and_masked() -> None:
    fake = FakeConnection({PATH: b"\x1b[31mDB_PASSWORD=hunter2\x1b[0m\r\nbind: \xff address in use\n\n"})
    (log,) = ask(ContainerLog(), probe_context(fake), LOG, KEY)
    assert log == Log(("DB_PASSWORD=***", "bind: \ufffd address in use"))
    assert fake.asked == [f"GET {PATH}?container=web&tailLines={LINES}&limitBytes={LARGEST_LOG}"]


def test_the_previous_life_is_asked_for() -> None:
    fake = FakeConnection({PATH: b"x"})
    (log,) = ask(ContainerLog(), probe_context(fake), LOG, replace(KEY, previous=True))
    assert log == Log(("x",), previous=True)
    assert fake.asked[0].endswith("&previous=true")


def test_an_overlong_log_is_asked_for_again_since_its_end_is_missing() -> None:
    fake = FakeConnection({PATH: b"x" * LARGEST_LOG})
    ask(ContainerLog(), probe_context(fake), LOG, KEY)
    assert ["tailLines=10&" in asked for asked in fake.asked] == [False, True]


def test_lines_are_bounded_in_number_and_length() -> None:
    lines = shown_lines("\n".join(["y" * 5000] * 500))
    assert len(lines) == LINES
    assert {len(line) for line in lines} == {LONGEST_LINE}
    assert shown_lines("\n \n") == ()


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (forbidden("get", "pods/log"), "forbidden: get pods/log in namespace shop"),
        (
            ApiProblem(400, "BadRequest", 'container "web" is waiting to start'),
            'container "web" is waiting to start',
        ),
        (
            b"unable to retrieve container logs for containerd://6d",
            "unable to retrieve container logs for containerd://6d",
        ),
    ],
)
def test_what_cannot_be_read_is_a_gap(answer: object, because: str) -> None:
    (gap,) = ask(ContainerLog(), probe_context(FakeConnection({PATH: answer})), LOG, KEY)
    assert isinstance(gap, Gap)
    assert (gap.what, gap.because) == ("the log of web-1/web", because)
