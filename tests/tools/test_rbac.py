"""manifests/rbac.yaml grants per level of --probe exactly what the code says it uses there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Right
from kubectl_refused.probes.methods import live_methods

MANIFESTS = Path(__file__).parents[2] / "manifests"
ROLES = {role["metadata"]["name"]: role for role in yaml.safe_load_all((MANIFESTS / "rbac.yaml").read_text())}
# Read outside of any method's list: sources/cluster.py for every diagnosis; the namespace's labels
# (probes/object_reads.py); a pod looked up again (probes/pod_lookup.py); a node's
# system for an ephemeral container (probes/ephemeral_container.py).
BESIDES = {
    Depth.NONE: {
        Right("get", "services"),
        Right("list", "endpointslices", "discovery.k8s.io"),
        Right("list", "pods"),
        Right("get", "namespaces"),
    },
    Depth.PASSIVE: set(),
    Depth.PODS: {Right("get", "pods")},
    Depth.ALL: {Right("get", "nodes")},
}


def granted(level: Depth) -> set[Right]:
    """The rights in the ClusterRole of one level."""
    return {
        Right(verb, *reversed_parts(resource, group))
        for rule in ROLES[f"refused-{level.value}"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def reversed_parts(resource: str, group: str) -> tuple[str, str, str]:
    """`pods/log` as RBAC writes it, as the fields of a Right: resource, group, subresource."""
    name, _, subresource = resource.partition("/")
    return name, group, subresource


def used(level: Depth) -> set[Right]:
    """What the methods of one level declare in `rights`, and in `rights_for_…` for their optional parts."""
    found = set(BESIDES[level])
    for method in (method for method in live_methods(level) if method.depth is level):
        for name in (name for name in dir(method) if name.startswith("rights")):
            found.update(getattr(method, name))
    return found


def up_to(level: Depth) -> list[Depth]:
    """This level and the ones it includes."""
    return [other for other in Depth if other.rank <= level.rank]


@pytest.mark.parametrize("level", list(Depth))
def test_the_roles_up_to_a_level_grant_all_it_uses(level: Depth) -> None:
    assert used(level) - {right for below in up_to(level) for right in granted(below)} == set()


@pytest.mark.parametrize("level", list(Depth))
def test_no_role_grants_what_its_level_does_not_use(level: Depth) -> None:
    assert granted(level) - used(level) == set()


def test_there_is_one_role_per_level() -> None:
    assert set(ROLES) == {f"refused-{level.value}" for level in Depth}


@pytest.mark.parametrize("name", ["job.yaml", "cronjob.yaml"])
def test_the_jobs_pass_pod_security_restricted(name: str) -> None:
    documents = yaml.safe_load_all((MANIFESTS / name).read_text())
    spec = next(d["spec"] for d in documents if d["kind"] in ("Job", "CronJob"))
    pod = spec.get("jobTemplate", {}).get("spec", spec)["template"]["spec"]
    container = pod["containers"][0]["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
