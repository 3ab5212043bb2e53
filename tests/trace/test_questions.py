"""What a scene asks of the network by itself."""

from __future__ import annotations

from kubectl_refused.model.facts import HANDSHAKE, LOOKUP
from kubectl_refused.probes.agent_round import MOST_REQUESTS, asked_of
from kubectl_refused.trace.questions import MOST_ENDPOINTS, questions
from tests.scenery import endpoint_slice, pod, scene


def test_five_hundred_endpoints_are_dialled_in_one_round_and_no_more_than_that() -> None:
    pods = [pod(f"web-{n}", ip=f"fd4b:7265:6675:2020:ffff:ffff:ffff:{n:04x}") for n in range(600)]
    asked = list(questions(scene(*pods, endpoint_slice(*pods))))
    assert [need.fact for need in asked].count(LOOKUP) == 1
    dials = [need for need in asked if need.fact is HANDSHAKE]
    assert len(dials) == 1 + MOST_ENDPOINTS == 501
    words = asked_of(asked)
    assert len(words) == len(asked) <= MOST_REQUESTS
    assert sum(len(word) + 1 for word in words) < 32_000
