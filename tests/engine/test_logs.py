"""Which lines of a container's log are asked for."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.engine import logs
from kubectl_refused.engine.logs import EngineLogs
from kubectl_refused.model.containers import EngineContainer, State
from kubectl_refused.model.facts import CONTAINER_LOG, EngineKey, Need
from kubectl_refused.trace.start_order import moment
from tests.fakes import FakeConnection, probe_context

START = "2026-11-29T13:33:48.886855836Z"
NEED = Need(CONTAINER_LOG, EngineKey("app"))


class Engine:
    """Keeps what was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def logs(self, container: str, **options: Any) -> bytes:
        self.asked = {"container": container, **options}
        return b"wget: can't connect to remote host: Connection refused\n"


def asked_of(status: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    engine = Engine()
    container = EngineContainer(id="app", state=State(status=status, started_at=START))
    monkeypatch.setattr(logs, "api_of", lambda context: engine)
    monkeypatch.setattr(logs, "find", lambda snapshot, key: container)
    ((_, found),) = EngineLogs().learn([NEED], probe_context(FakeConnection({})))
    assert "Connection refused" in found.lines[0]
    return engine.asked


def test_of_an_ended_container_its_last_run_with_what_it_said_before_the_start_was_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    since, started = asked_of("exited", monkeypatch)["since"], moment(START)
    assert started
    assert started - 2 < since < started - 0.1


def test_of_a_running_container_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "since" not in asked_of("running", monkeypatch)
