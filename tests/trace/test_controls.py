"""What a control beside the client shows."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kubectl_refused.causes.policy.client_labels_blocked import client_labels_blocked
from kubectl_refused.model.facts import HANDSHAKE, POLICIES_IN, Dial, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Vantage
from kubectl_refused.trace.controls import labels_judged, lasting_labels
from tests.scenery import endpoint_slice, pod, scene

STAND_IN = {
    "app": "cart",
    "app.kubernetes.io/managed-by": "Helm",
    "app.kubernetes.io/name": "kubectl-refused",
    "batch.kubernetes.io/controller-uid": "373d",
    "batch.kubernetes.io/job-name": "refused-a0",
    "controller-uid": "373d",
    "istio.io/dataplane-mode": "none",
    "job-name": "refused-a0",
    "kuma.io/sidecar-injection": "disabled",
    "refused.dev/probe": "refused-a0",
    "refused.dev/run": "a0",
    "sidecar.istio.io/inject": "false",
}


def blocked(policies: object) -> Scene:
    """A stand-in whose dial is silent, while its control's is accepted."""
    place = Vantage("stand-in", "shop", "node1", "pod/cart", tuple(STAND_IN.items()), key="c", control="b")
    dials = {
        Need(HANDSHAKE, Dial("10.0.0.1", 8080, at)): Handshake("10.0.0.1", 8080, outcome, 0.1, "probe-pod")
        for at, outcome in (("c", Outcome.TIMEOUT), ("b", Outcome.ACCEPTED))
    }
    one = pod()
    told = scene(one, endpoint_slice(one), facts={**dials, Need(POLICIES_IN, NamespaceKey("shop")): policies})
    told = replace(told, vantage=place)
    return told.at_endpoint(told.endpoints[0])


def test_labels_that_its_control_has_too_are_not_what_it_is_judged_by() -> None:
    assert labels_judged(blocked(())) == "app=cart, app.kubernetes.io/managed-by=Helm"


def test_only_who_read_the_policies_says_that_none_explains_it() -> None:
    (read,) = client_labels_blocked(blocked(()))
    (unread,) = client_labels_blocked(blocked(Gap("NetworkPolicies", "forbidden")))
    assert read.fix is not None
    assert read.fix.summary.endswith("; no NetworkPolicy explains this")
    assert unread.fix is not None
    assert unread.fix.summary.endswith(
        "; whose it is cannot be told, as the NetworkPolicies of shop could not be read"
    )


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("client", {"app": "cart", "app.kubernetes.io/managed-by": "Helm"}),
        ("stand-in", {"app": "cart", "app.kubernetes.io/managed-by": "Helm"}),
        ("pod", {}),
        ("node", {}),
    ],
)
def test_a_rule_means_a_named_client_by_what_outlives_its_pod(kind: str, labels: dict[str, str]) -> None:
    ours = {**STAND_IN, "pod-template-hash": "5bb74bf5f7"}
    place = Vantage(kind, "shop", "node1", name="pod/cart-1", labels=tuple(ours.items()))
    assert lasting_labels(replace(scene(), vantage=place)) == labels
