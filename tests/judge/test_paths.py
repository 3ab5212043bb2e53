"""Which paths a diagnosis tells."""

from __future__ import annotations

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.verdict import judge
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.trace.rulings import rule
from kubectl_refused.trace.scenes import scenes
from tests.scenery import TARGET, endpoint_slice, pod, service, snapshot


def test_clients_of_which_none_could_dial_are_one_path() -> None:
    web = pod()
    seen = snapshot(service(), web, endpoint_slice(web))
    places = [Vantage("objects", node=node, key=f"node/{node}") for node in ("node1", "node2")]
    rulings = [rule(scene, catalogue()) for at in places for scene in scenes(TARGET, seen, FactStore(), at)]
    told = judge(TARGET, rulings, context="", depth=Depth.PODS, gaps=(), touched=())
    assert len(rulings) == 2
    assert [path.outcome for path in told.paths] == [Outcome.UNKNOWN]
    assert told.root is None or told.root.certainty is not Certainty.PROVED
