"""The picture of a path shows what the verdict speaks of, and no more than is known."""

from __future__ import annotations

from kubectl_refused.judge.hops import hops
from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Vantage
from kubectl_refused.trace.scenes import scenes
from tests.scenery import CLUSTER_IP, TARGET, dialled, endpoint_slice, pod, scene, snapshot


def seen(*behind: Outcome) -> Scene:
    """A Service that is refused, with a ready pod for each dial behind it."""
    pods = [pod(f"web-{i}", ip=f"10.0.0.{i + 1}") for i in range(len(behind))]
    facts = dict(dialled(CLUSTER_IP, 80))
    for i, outcome in enumerate(behind):
        facts |= dialled(f"10.0.0.{i + 1}", 8080, outcome)
    return scene(*pods, endpoint_slice(*pods), facts=facts)


def test_the_endpoint_that_ended_worst_is_drawn() -> None:
    last = hops(seen(Outcome.ACCEPTED, Outcome.RESET, Outcome.REFUSED), None, "")[-1]
    assert (last.label, last.status, last.note) == ("10.0.0.3:8080", "broken", "RST")


def test_the_endpoint_where_the_root_was_found_is_drawn() -> None:
    here = seen(Outcome.REFUSED, Outcome.TIMEOUT)
    last = hops(here, None, "process", here.endpoints[1])[-1]
    assert (last.label, last.note) == ("10.0.0.2:8080", "no answer")


def test_a_service_that_could_not_be_read_is_not_drawn_as_reached() -> None:
    unread = scenes(TARGET, snapshot(), FactStore(), Vantage("objects"))[0]
    assert unread.service is None
    assert hops(unread, None, "")[1].status == "unknown"
