"""All nodes in one request, beside nodes by name."""

from __future__ import annotations

from typing import Any

from kubectl_refused.model.facts import NODE, NODES, ClusterKey, Need, NodeKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.probes.node_reads import NodeReads
from tests.fakes import FakeConnection, forbidden, probe_context

PATH = "/api/v1/nodes"


def node(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def test_all_nodes_are_one_request_and_single_ones_their_own() -> None:
    fake = FakeConnection({PATH: [node("node1"), node("node2")], f"{PATH}/node2": node("node2")})
    every, one = Need(NODES, ClusterKey()), Need(NODE, NodeKey("node2"))
    learnt = dict(NodeReads().learn([every, one], probe_context(fake)))
    assert [n.metadata.name for n in learnt[every]] == ["node1", "node2"]
    assert learnt[one].metadata.name == "node2"
    assert sorted(fake.asked) == [f"GET {PATH}/node2", f"LIST {PATH}"]


def test_nodes_that_may_not_be_listed_are_a_gap() -> None:
    every = Need(NODES, ClusterKey())
    fake = FakeConnection({PATH: forbidden("list", "nodes", "")})
    assert isinstance(dict(NodeReads().learn([every], probe_context(fake)))[every], Gap)
