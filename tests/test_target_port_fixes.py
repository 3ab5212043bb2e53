"""A targetPort that mends one pod and breaks others is no fix."""

from __future__ import annotations

from kubectl_refused.fixes.target_port import aim
from kubectl_refused.model.facts import HANDSHAKE, Dial, FactStore, Need
from kubectl_refused.model.objects import Container, ContainerPort, Metadata, Pod, PodSpec, Service, ServicePort
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target, Vantage


def pod(name: str, **ports: int) -> Pod:
    listed = tuple(ContainerPort(name=key, container_port=number) for key, number in ports.items())
    return Pod(
        metadata=Metadata(name=name, namespace="shop"),
        spec=PodSpec(containers=(Container(name="app", ports=listed),)),
    )


def scene(good: Pod, bad: Pod) -> Scene:
    accepted = Handshake("10.0.0.1", 8080, Outcome.ACCEPTED, 0.001, "probe-pod")
    known = FactStore().having([(Need(HANDSHAKE, Dial("10.0.0.1", 8080)), accepted)])
    return Scene(
        Target("web", "shop"),
        Vantage("pod"),
        Snapshot(),
        known,
        service=Service(metadata=Metadata(name="web", namespace="shop")),
        port=ServicePort(port=80, target_port=8080),
        endpoints=(Endpoint("10.0.0.1", 8080, pod=good), Endpoint("10.0.0.2", 8080, pod=bad)),
        pod=bad,
    )


def test_a_name_that_both_pods_declare_is_the_fix() -> None:
    good, bad = pod("good", http=8080), pod("bad", http=9090)
    headline, fix = aim(scene(good, bad), bad, 8080, 9090)
    assert headline == "bad listens on 9090, not on 8080 like 1 of its pods"
    assert fix.patch == {"spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": "http"}]}}


def test_without_a_common_name_the_pod_changes_and_not_the_service() -> None:
    good, bad = pod("good", http=8080), pod("bad")
    _, fix = aim(scene(good, bad), bad, 8080, 9090)
    assert fix.command is None
    assert fix.summary == "Listen on 8080 as the other pods do, or be selected no longer (pod/bad)"
