"""The recorder against a cluster over HTTP: news, watches that break off, and what may not be watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kubectl_refused.cli.recorder import Recorder
from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.connection.options import ConnectionOptions

from .fake_cluster import FakeCluster, behind, service

SECONDS = 20.0
ENDED = {"exitCode": 1, "reason": "Error"}


def recorder(cluster: FakeCluster, namespace: str = "shop") -> Recorder:
    options = ConnectionOptions(server=cluster.api.address, token="x", namespace="shop")
    made = Recorder(connect(options), namespace, logs=True)
    made.start()
    return made


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def crashed() -> list[dict[str, Any]]:
    pod, part = behind("web")
    (status,) = pod["status"]["containerStatuses"]
    status |= {"restartCount": 1, "lastState": {"terminated": ENDED}}
    return [pod, part]


def test_what_comes_after_the_beginning_is_news() -> None:
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        watching = recorder(cluster)
        watching.begin()
        assert (watching.history.steps(), watching.gaps) == ([], [])
        assert watching.history.names("Pod") == {("shop", "web-1")}
        until(lambda: len(cluster.watches) == 4)
        cluster.become(service("web"), *crashed())
        until(lambda: {step.kind for step in watching.history.steps()} >= {"exit", "up"})
        watching.stop()


def test_a_container_that_starts_anew_between_two_questions_keeps_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: Iterator[str | None] = iter((None, "", "bind to :8080 failed: Address already in use"))

    def answer(*_: object) -> str:
        if (text := next(answers)) is None:
            raise ConnectionProblem("no previous container")
        return text

    monkeypatch.setattr("kubectl_refused.cli.recorder.read_log", answer)
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        watching = recorder(cluster)
        watching.begin()
        until(lambda: len(cluster.watches) == 4)
        cluster.become(service("web"), *crashed())
        until(lambda: watching.logs)
        watching.stop()
    assert [words.in_use for words in watching.logs.values()] == [True]


def test_watches_that_are_gone_begin_anew_and_miss_nothing() -> None:
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        cluster.gone = 4
        watching = recorder(cluster)
        watching.begin()
        cluster.become(service("web"))
        until(lambda: any(step.kind == "gone" for step in watching.history.steps()))
        until(lambda: watching.history.outages["shop", "web"])
        until(lambda: not watching.gaps)
        watching.stop()


def test_what_may_not_be_watched_is_a_gap() -> None:
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        cluster.watchable = False
        watching = recorder(cluster)
        until(lambda: len(watching.gaps) == 4)
        assert watching.gaps[0].what == "Services"
        assert "watch services" in watching.gaps[0].remedy
        watching.stop()
