"""Fixes as commands that work as printed."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_refused.fixes.change import change, command, container_change, service_change, workload_of
from kubectl_refused.fixes.low_port import SYSCTL, low_port_change
from kubectl_refused.fixes.probe import probe_port_change
from kubectl_refused.fixes.target_port import target_port_change
from kubectl_refused.model.facts import WORKLOAD, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, Workload
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Target
from tests.scenery import pod, scene, service, workload

OWNED: dict[str, Any] = {
    "labels": {"app": "web"},
    "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}],
}
WHOSE = Need(WORKLOAD, PodKey("shop", "web-1"))


def owned(made: Workload | Gap | None = None, **spec: Any) -> tuple[Scene, Pod]:
    """A scene with a pod that a workload made."""
    one = pod(metadata=OWNED, spec=spec) if spec else pod(metadata=OWNED)
    return scene(one, facts={WHOSE: made or workload()}), one


def patch_of(text: str | None) -> Any:
    """The JSON behind -p, as a shell would hand it over."""
    words = shlex.split(text or "")
    return json.loads(words[words.index("-p") + 1])


def test_a_service_is_patched_with_the_targets_own_kubectl() -> None:
    made = scene(target=Target("web", "shop", kubectl="kubectl --context kind-dev"))
    fix = service_change(made, "Select api", {"selector": {"app": "api"}})
    assert fix.command is not None
    assert fix.command.startswith("kubectl --context kind-dev patch svc/web -p ")
    assert fix.command.endswith(" -n shop")
    assert patch_of(fix.command) == fix.patch == {"spec": {"selector": {"app": "api"}}}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_word_survives_the_shell(word: str) -> None:
    assert shlex.split(command(scene(), "patch", word))[2] == word


@pytest.mark.parametrize(
    "annotations", [{"meta.helm.sh/release-name": "web"}, {"argocd.argoproj.io/tracking-id": "web:x"}]
)
def test_what_somebody_else_writes_is_not_patched_under_their_hands(annotations: dict[str, str]) -> None:
    made = scene()
    assert made.service is not None
    metadata = workload(annotations=annotations).metadata
    fix = change(made, "Deployment", metadata, summary="Scale up", patch={"spec": {"replicas": 1}})
    assert fix.command is None
    assert fix.owner is not None
    assert fix.owner in fix.summary
    assert fix.patch == {"spec": {"replicas": 1}}


def test_in_files_the_fix_names_the_line() -> None:
    made = scene(origin="files")
    lines = {("Service", "shop", "web"): "shop.yaml:12"}
    fix = service_change(replace(made, snapshot=replace(made.snapshot, lines=lines)), "Select api", {})
    assert fix.command is None
    assert "shop.yaml:12" in fix.summary


def test_another_verb_takes_the_place_of_the_patch() -> None:
    fix = change(
        scene(), "Deployment", workload().metadata, summary="Scale", patch={}, verb=("scale", "--replicas=1")
    )
    assert fix.command == "kubectl scale deployment/web --replicas=1 -n shop"


def test_the_workload_is_what_made_the_pod() -> None:
    made, one = owned()
    assert workload_of(made, one)[:2] == ("Deployment", workload().metadata)


def test_a_bare_pod_and_one_whose_workload_may_not_be_read_stand_for_themselves() -> None:
    assert workload_of(scene(pod()), pod())[0] == "Pod"
    made, one = owned(Gap("the workload", "forbidden"))
    assert workload_of(made, one)[0] == "Pod"


def test_a_container_is_patched_in_its_list() -> None:
    made, one = owned(initContainers=[{"name": "proxy", "restartPolicy": "Always"}])
    main = container_change(made, one, "web", "Change it", {"args": ["x"]})
    sidecar = container_change(made, one, "proxy", "Change it", {"args": ["x"]})
    patched = [patch_of(fix.command)["spec"]["template"]["spec"] for fix in (main, sidecar)]
    assert patched[0] == {"containers": [{"name": "web", "args": ["x"]}]}
    assert patched[1] == {"initContainers": [{"name": "proxy", "args": ["x"]}]}


def test_a_bare_pods_containers_cannot_be_patched() -> None:
    fix = container_change(scene(pod()), pod(), "web", "Change it", {"args": ["x"]})
    assert fix.command is None
    assert "made anew" in fix.summary


def test_target_port_of_a_headless_service_is_no_change_of_it() -> None:
    assert patch_of(target_port_change(scene(), 9000).command)["spec"]["ports"][0]["targetPort"] == 9000
    headless = target_port_change(scene(service(clusterIP="None")), 9000)
    assert headless.command is None
    assert "9000" in headless.summary


def test_a_probes_port_is_changed_within_its_handler() -> None:
    made, one = owned(containers=[{"name": "web", "readinessProbe": {"tcpSocket": {"port": 1}}}])
    (container,) = one.spec.containers or ()
    assert container.readiness_probe is not None
    fix = probe_port_change(
        made, one, container, field="readinessProbe", probe=container.readiness_probe, meant=8080
    )
    (patched,) = patch_of(fix.command)["spec"]["template"]["spec"]["containers"]
    assert patched == {"name": "web", "readinessProbe": {"tcpSocket": {"port": 8080}}}


def test_a_low_port_is_opened_by_a_safe_sysctl_but_not_on_the_nodes_network() -> None:
    made, one = owned()
    spec = patch_of(low_port_change(made, one, 80).command)["spec"]["template"]["spec"]
    assert spec == {"securityContext": {"sysctls": [{"name": SYSCTL, "value": "80"}]}}
    on_node, hosted = owned(hostNetwork=True, containers=[{"name": "web"}])
    assert low_port_change(on_node, hosted, 80).command is None
    assert low_port_change(scene(pod()), pod(), 80).command is None
