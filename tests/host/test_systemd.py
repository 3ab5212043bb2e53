"""Services that are down, by recorded output of `systemctl show` and `journalctl` (Debian 12, systemd 252)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.host.systemd import candidates, parse_journal, parse_units
from kubectl_refused.model.host import Unit

RECORDED = Path(__file__).parent / "recorded"
UNITS = {unit.name: unit for unit in parse_units((RECORDED / "units.txt").read_text())}


def test_what_is_not_loaded_is_no_unit() -> None:
    assert list(UNITS) == ["nginx.service", "api.service", "redis-server.service", "ssh.service"]


def test_a_failure_at_boot() -> None:
    nginx = UNITS["nginx.service"]
    assert (nginx.failed, nginx.down, nginx.at_boot) == (True, True, True)
    assert (nginx.exit_code, nginx.exit_status, nginx.enabled) == ("exited", 1, "enabled")
    assert nginx.since == "Tue 2026-11-24 09:12:44 UTC"


def test_one_that_systemd_starts_again_and_again() -> None:
    api = UNITS["api.service"]
    assert (api.restarting, api.down, api.at_boot, api.restarts) == (True, True, False, 37)
    assert (api.exit_code, api.exit_status) == ("killed", 9)


def test_one_that_runs() -> None:
    assert not UNITS["ssh.service"].down


@pytest.mark.parametrize(
    ("port", "names"),
    [
        (80, ["nginx.service", "api.service"]),
        (6379, ["redis-server.service", "nginx.service", "api.service"]),
        (8081, ["nginx.service", "api.service"]),
    ],
)
def test_who_may_have_to_do_with_a_port(port: int, names: list[str]) -> None:
    assert [unit.name for unit in candidates(UNITS.values(), port)] == names


def test_the_journal_is_cleaned_and_masked() -> None:
    lines = parse_journal((RECORDED / "nginx-journal.txt").read_text())
    assert lines[1] == "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)"
    assert parse_journal("\x1b[31mpassword=hunter2\x1b[0m\n\n") == ("password=***",)


@given(st.text())
def test_hostile_output(text: str) -> None:
    read = parse_units(f"Id=a.service\n{text}")
    assert all(isinstance(unit, Unit) for unit in read)
    assert not any("\x1b" in unit.description + unit.result for unit in read)
