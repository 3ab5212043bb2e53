"""Fixes of containers name the command of the engine that answers: Podman has no daemon to restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kubectl_refused.model.containers import Engine
from kubectl_refused.model.target import Depth
from kubectl_refused.pipeline import diagnose
from tests.case_folders import CASES, Case
from tests.case_runs import CaseLearner, CaseSource

COMMANDS = {
    "publish/publishing_rules_gone": ("systemctl restart docker", "podman network reload"),
    "publish/networks_not_shared": ("docker network connect", "podman network connect"),
    "publish/client_did_not_wait_for_server": ("docker start", "podman start"),
    "container/container_not_running": ("docker start", "podman start"),
    "container/container_paused": ("docker unpause", "podman unpause"),
    "container/container_out_of_memory": ("docker update", "podman update"),
}


@pytest.mark.parametrize("podman", [False, True])
@pytest.mark.parametrize("folder", COMMANDS)
def test_the_command_is_the_engines(folder: str, podman: bool) -> None:
    case = Case(Path(CASES, folder))
    world = tuple(replace(o, podman=podman) if isinstance(o, Engine) else o for o in case.world("refused"))
    learner = CaseLearner(world, case.observed("refused"), "", places=case.expected.vantages, is_service=False)
    root = diagnose(case.target, CaseSource(world, case.taken("refused")), learner, depth=Depth.PODS).root
    assert root is not None
    assert root.fix is not None
    assert root.fix.command is not None
    assert root.fix.command.startswith(COMMANDS[folder][podman])
    assert ("docker" in root.fix.command) is not podman
