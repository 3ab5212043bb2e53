"""People with few rights: service accounts bound to roles, each with a kubeconfig of its own."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.cluster.api import Cluster

GROUP = "rbac.authorization.k8s.io"
MANIFEST = Path(__file__).parents[2] / "manifests" / "rbac.yaml"
LEVELS = ("none", "passive", "pods", "all")
GRANTED_SECONDS = 30.0


class Grant(NamedTuple):
    """One verb on one resource (`pods/log`), the unit in which rights are taken away."""

    verb: str
    resource: str
    group: str = ""

    @property
    def rule(self) -> dict[str, Any]:
        """The rule of a Role that grants exactly this."""
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb]}

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


def grants_up_to(level: str) -> tuple[Grant, ...]:
    """What manifests/rbac.yaml grants at that level of --probe, those below included; each once."""
    names = {f"refused-{name}" for name in LEVELS[: LEVELS.index(level) + 1]}
    roles = [role for role in yaml.safe_load_all(MANIFEST.read_text()) if role["metadata"]["name"] in names]
    return tuple(
        dict.fromkeys(
            Grant(verb, resource, group)
            for role in roles
            for rule in role["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        )
    )


def person(cluster: Cluster, namespace: str, grants: Iterable[Grant], directory: Path) -> Path:
    """Make a service account that may do this in the namespace and nothing else; returns its kubeconfig."""
    name = f"person-{secrets.token_hex(4)}"
    rules = [grant.rule for grant in grants]
    role = {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    _create(cluster, namespace, name, [role, _binding(name, namespace, "Role", name)])
    return _kubeconfig(cluster, namespace, name, rules, directory)


def person_at_level(cluster: Cluster, namespace: str, level: str, directory: Path) -> Path:
    """One bound, in the namespace, to the ClusterRoles of manifests/rbac.yaml up to the level."""
    name = f"person-{secrets.token_hex(4)}"
    cluster.kubectl("apply", "-f", str(MANIFEST))
    roles = [f"refused-{below}" for below in LEVELS[: LEVELS.index(level) + 1]]
    bindings = [_binding(f"{name}-{role}", namespace, "ClusterRole", role, account=name) for role in roles]
    _create(cluster, namespace, name, bindings)
    last = [grant.rule for grant in grants_up_to(level)][-1:]
    return _kubeconfig(cluster, namespace, name, last, directory)


def write_kubeconfig(path: Path, cluster: Cluster, user: dict[str, Any], **change: Any) -> Path:
    """A kubeconfig for the test's cluster with that `user` entry; `change` overwrites parts of the cluster's."""
    given = json.loads(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "there", "cluster": {**given, **change}}],
        "users": [{"name": "someone", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "there", "user": "someone"}}],
        "current-context": "here",
    }
    path.write_text(json.dumps(document))
    return path


def _create(cluster: Cluster, namespace: str, account: str, objects: Sequence[dict[str, Any]]) -> None:
    client = cluster.client()
    client.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": account}})
    for item in objects:
        resource = "roles" if item["kind"] == "Role" else "rolebindings"
        client.create(f"/apis/{GROUP}/v1/namespaces/{namespace}/{resource}", item)


def _binding(name: str, namespace: str, kind: str, role: str, account: str = "") -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account or name, "namespace": namespace}],
    }


def _kubeconfig(
    cluster: Cluster, namespace: str, name: str, rules: Sequence[dict[str, Any]], directory: Path
) -> Path:
    """Ask kubectl for a token, and wait until the API server's authorizer has heard of the last rule."""
    token = cluster.kubectl("create", "token", name, "-n", namespace).stdout.strip()
    for rule in rules[-1:]:
        _await_right(cluster, namespace, name, rule)
    return write_kubeconfig(directory / f"{name}.yaml", cluster, {"token": token})


def _await_right(cluster: Cluster, namespace: str, name: str, rule: dict[str, Any]) -> None:
    resource, _, subresource = rule["resources"][0].partition("/")
    attributes = {
        "namespace": namespace,
        "verb": rule["verbs"][0],
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
    }
    user = f"system:serviceaccount:{namespace}:{name}"
    review = {"spec": {"user": user, "resourceAttributes": attributes}}
    client, deadline = cluster.client(), time.monotonic() + GRANTED_SECONDS
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    while not client.call("POST", path, review)["status"]["allowed"]:
        assert time.monotonic() < deadline, f"{user} was never allowed {attributes}"
        time.sleep(0.1)
