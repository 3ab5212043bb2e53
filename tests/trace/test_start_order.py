"""Times of an engine, and who waits for whom."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kubectl_refused.model.containers import Config, EngineContainer, Test
from kubectl_refused.trace.refusals_in_logs import refusal_of
from kubectl_refused.trace.start_order import condition_on, has_health_check, seconds_between, waits


@pytest.mark.parametrize(
    ("earlier", "later", "seconds"),
    [
        ("2026-11-29T02:46:26.104913745Z", "2026-11-29T02:46:26.682919447Z", 0.578),
        ("2026-11-29T02:46:26Z", "2026-11-29T02:46:20.5Z", -5.5),
        ("2026-11-29T02:46:26.1+00:00", "2026-11-29T02:46:27Z", 0.9),
        ("0001-01-01T00:00:00Z", "2026-11-29T02:46:26Z", None),
        ("", "2026-11-29T02:46:26Z", None),
        ("soon.x", "later", None),
    ],
)
def test_seconds_between_two_times(earlier: str, later: str, seconds: float | None) -> None:
    assert seconds_between(earlier, later) == (seconds if seconds is None else pytest.approx(seconds, abs=0.001))


def _service(name: str, project: str, **labels: str) -> EngineContainer:
    own = {"com.docker.compose.project": project, "com.docker.compose.service": name}
    return EngineContainer(id=name, name=f"/{project}-{name}-1", config=Config(labels=own | labels))


def test_a_client_waits_for_a_healthy_server_only_where_that_has_a_check() -> None:
    client = _service("app", "shop", **{"com.docker.compose.depends_on": "db:service_healthy:false,mq::"})
    server = _service("db", "shop")
    checked = replace(server, config=replace(server.config, healthcheck=Test(test=("CMD", "true"))))
    off = replace(server, config=replace(server.config, healthcheck=Test(test=("NONE",))))
    assert condition_on(client, server) == "service_healthy"
    assert condition_on(client, _service("db", "blog")) == ""
    assert condition_on(client, _service("mq", "shop")) == "service_started"
    assert [has_health_check(one) for one in (server, checked, off)] == [False, True, False]
    assert [waits(client, one) for one in (server, checked, off)] == [False, True, False]


def test_a_refusal_is_the_servers_by_name_or_address() -> None:
    server = _service("db", "shop")
    line = 'connection to server at "db" (172.19.0.2), port 5432 failed: Connection refused'
    told = refusal_of(["starting", line], server)
    assert told is not None
    assert (told.line, told.port) == (line, 5432)
    assert refusal_of(["dial tcp 10.0.0.1:5432: connect: connection refused"], server) is None
    assert refusal_of([], server) is None
