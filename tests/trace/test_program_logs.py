"""Logs of real programs: the line that tells why, and the ports of failed binds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_refused.probes.container_log import shown_lines
from kubectl_refused.trace.log_reasons import address_in_use, bind_denied, telling_line

LOGS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("program_logs.yaml").read_text())
NAMES = [f"{one['program']}: {one.get('tells', 'on localhost only')}"[:70] for one in LOGS]


@pytest.mark.parametrize("recorded", LOGS, ids=NAMES)
def test_the_line_that_tells_why(recorded: dict[str, Any]) -> None:
    lines = shown_lines(recorded["log"])
    told = telling_line(lines)
    assert told is not None
    assert recorded.get("tells", "") in told


@pytest.mark.parametrize("recorded", LOGS, ids=NAMES)
def test_failed_binds_are_known_for_what_they_are(recorded: dict[str, Any]) -> None:
    lines = shown_lines(recorded["log"])
    for wanted, found in (("in_use", address_in_use(lines)), ("denied", bind_denied(lines))):
        assert (found is not None) == (wanted in recorded), found
        assert found is None or found.ports == tuple(recorded[wanted]), found


def test_five_programs_and_more_are_recorded() -> None:
    assert len({one["program"] for one in LOGS}) >= 5
    assert any("in_use" in one for one in LOGS)
    assert any("denied" in one for one in LOGS)
