"""KR408 says what was seen: which sockets there are, or which ports were tried."""

from __future__ import annotations

from kubectl_refused.causes.process.nothing_listens import nothing_listens
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import FORWARD, LISTENERS, LOG, SEARCH, ContainerKey, Need, PodKey, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Log, Outcome, Search
from tests.scenery import dialled, endpoint_slice, listening, pod, scene, workload

PORT = PodPort("shop", "web-1", 8080)


def test_a_proxys_socket_is_not_denied() -> None:
    web = pod(metadata={"annotations": {"sidecar.istio.io/status": "{}"}})
    facts = {**dialled("10.0.0.1", 8080), **listening("web-1", ("0.0.0.0", 15006))}
    seen = scene(web, endpoint_slice(web), workload(), facts=facts)
    (found,) = nothing_listens(seen.at_endpoint(seen.endpoints[0]))
    assert found.says == "port 8080 is dialled; nothing of the app's listens on TCP"


def test_a_search_never_speaks_of_processes() -> None:
    web = pod()
    facts = {
        **dialled("10.0.0.1", 8080, witness="pod-proxy"),
        Need(LISTENERS, PodKey("shop", "web-1")): Gap("sockets", "not asked for"),
        Need(FORWARD, PORT): Handshake("localhost", 8080, Outcome.REFUSED, 0.01, "port-forward"),
        Need(SEARCH, PORT): Search((80, 3000)),
        Need(LOG, ContainerKey("shop", "web-1", "web")): Log(()),
    }
    seen = scene(web, endpoint_slice(web), workload(), facts=facts)
    (found,) = nothing_listens(seen.at_endpoint(seen.endpoints[0]))
    assert found.certainty is Certainty.LIKELY
    assert found.says == "port 8080 is dialled; inside the pod neither it nor any of 2 other ports accepts"
