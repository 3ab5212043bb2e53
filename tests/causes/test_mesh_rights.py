"""Who may not read what a mesh is told is told so, where a proxy turned somebody away."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.causes import catalogue
from kubectl_refused.model.facts import MESH, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.mesh import MeshObjects
from kubectl_refused.model.observation import Outcome
from kubectl_refused.trace.rulings import Ruling, rule
from tests.scenery import CLUSTER_IP, dialled, endpoint_slice, pod, scene

FORBIDDEN = Gap("PeerAuthentication objects of namespace istio-system", "forbidden: list")
MINE = frozenset({"KR503", "KR504", "KR509"})


def ruling(proxy: str, outcome: Outcome, told: MeshObjects | Gap, **seen: str) -> Ruling:
    """A meshed pod that ended the dial so, and what could be read of the mesh."""
    one = pod(spec={"initContainers": [{"name": proxy, "restartPolicy": "Always"}]})
    facts: dict[Need, Any] = {**dialled("10.0.0.1", 8080, outcome, **seen), **dialled(CLUSTER_IP, 80, outcome)}
    facts[Need(MESH, NamespaceKey("shop"))] = told
    return rule(scene(one, endpoint_slice(one), facts=facts), [c for c in catalogue("Service") if c.code in MINE])


@pytest.mark.parametrize("told", [FORBIDDEN, MeshObjects(unread=(FORBIDDEN,))])
@pytest.mark.parametrize(("proxy", "codes"), [("istio-proxy", {"KR503", "KR504"}), ("linkerd-proxy", {"KR509"})])
@pytest.mark.parametrize("detail", ["", "it closed without a word when asked what it speaks"])
def test_a_gap_says_what_could_not_be_read(
    told: MeshObjects | Gap, proxy: str, codes: set[str], detail: str
) -> None:
    end = Outcome.ACCEPTED if detail else Outcome.RESET
    found = ruling(proxy, end, told, detail=detail)
    assert found.found == ()
    assert {one.cause.code for one in found.open if one.gap == FORBIDDEN} == codes


def test_nothing_is_missing_where_nobody_was_turned_away() -> None:
    found = ruling("istio-proxy", Outcome.ACCEPTED, MeshObjects(unread=(FORBIDDEN,)))
    assert (found.found, [one for one in found.open if one.gap]) == ((), [])


def test_a_pod_without_a_proxy_asks_for_nothing() -> None:
    found = ruling("helper", Outcome.RESET, FORBIDDEN)
    assert (found.found, found.open) == ((), ())
