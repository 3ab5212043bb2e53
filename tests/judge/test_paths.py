"""Which paths a diagnosis tells."""

from __future__ import annotations

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.verdict import judge
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import LOOKUP, FactStore, NameKey, Need
from kubectl_refused.model.observation import Lookup, Outcome
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.trace.rulings import rule
from kubectl_refused.trace.scenes import scenes
from tests.scenery import TARGET, endpoint_slice, pod, scene, service, snapshot


def test_clients_of_which_none_could_dial_are_one_path() -> None:
    web = pod()
    seen = snapshot(service(), web, endpoint_slice(web))
    places = [Vantage("objects", node=node, key=f"node/{node}") for node in ("node1", "node2")]
    rulings = [rule(one, catalogue()) for at in places for one in scenes(TARGET, seen, FactStore(), at)]
    told = judge(TARGET, rulings, context="", depth=Depth.PODS, gaps=(), touched=())
    assert len(rulings) == 2
    assert [path.outcome for path in told.paths] == [Outcome.UNKNOWN]
    assert told.root is None or told.root.certainty is not Certainty.PROVED


def test_a_name_that_a_pod_looked_up_is_more_than_the_objects_alone() -> None:
    web, name = pod(), "web.shop.svc"
    lookup = {Need(LOOKUP, NameKey(name)): Lookup(name, ("10.96.0.7",), 0.1, "probe-pod")}
    ruling = rule(scene(web, endpoint_slice(web), facts=lookup), catalogue())
    assert judge(TARGET, [ruling], context="", depth=Depth.PODS, gaps=(), touched=()).depth == "packets"
