"""The settings of the network namespace that the agent is in, and lines that only look like them."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from kubectl_refused.model.facts import NODE_SETTINGS, Dial, Need, NodeView
from kubectl_refused.model.observation import NodeSettings
from kubectl_refused.probes.agent_round import is_sound
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.fresh_pod import FreshPod
from kubectl_refused.probes.probe_agent_answers import Answers, request_of
from kubectl_refused.probes.probe_pod import ProbePod
from tests.fakes import probe_context
from tests.probes.agent_runs import NETNS, PYTHON, ask

NODE = NodeView("node1", "node/node1")


def told(line: str) -> Answers:
    """One line understood."""
    answers = Answers({request_of(NODE): NODE})
    answers.take(line.encode())
    return answers


def test_a_fresh_namespace_tells_its_own_settings() -> None:
    value = ask(NODE, command=[*NETNS, *PYTHON]).values[request_of(NODE)]
    assert isinstance(value, NodeSettings)
    assert value.forwards is not None
    assert value.tracked in (0, None)


def test_what_was_not_read_stays_unknown() -> None:
    value = told(json.dumps({"id": "settings:node1", "forwards": 0})).values["settings:node1"]
    assert value == NodeSettings("probe-pod", forwards=False)


@pytest.mark.parametrize(
    "fields", [{"forwards": -1}, {"tracked": "many"}, {"forwards": 1, "evil": 1}, {"outcome": "accepted"}]
)
def test_lines_that_are_not_the_agents_are_no_answers(fields: dict[str, object]) -> None:
    assert told(json.dumps({"id": "settings:node1", **fields})).values == {}
    assert told(json.dumps({"id": "settings:node2", "forwards": 1})).values == {}


def test_only_a_probe_on_the_nodes_own_network_reads_them() -> None:
    need = Need(NODE_SETTINGS, NODE)
    there = Client(key="node/node1", standing="node", node="node1", host_network=True)
    for client, takes in ((there, True), (Client(key="node/node1", standing="node", node="node1"), False)):
        assert ProbePod().takes(need, replace(probe_context(), clients=(client,))) is takes
    assert is_sound(NODE)
    assert not is_sound(NodeView("node 1", ""))


def test_a_first_moment_is_of_pods_on_the_pod_network_only() -> None:
    need = Need(next(iter(FreshPod.facts)), Dial("10.0.0.1", 80, "a"))
    for client, takes in (
        (Client(key="a", standing="pod"), True),
        (Client(key="a", standing="pod", host_network=True), False),
        (Client(key="a", standing="node"), False),
    ):
        assert FreshPod().takes(need, replace(probe_context(), clients=(client,))) is takes
