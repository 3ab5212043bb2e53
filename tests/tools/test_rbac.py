"""manifests/rbac.yaml grants per level of --probe exactly what the code says it uses there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubectl_refused.cli.grounds import ClusterGround
from kubectl_refused.cli.options import SCAN
from kubectl_refused.cli.progress import Progress
from kubectl_refused.cli.recorder import KINDS as WATCHED_BY_RUNS
from kubectl_refused.cli.scan_request import scan_request_of
from kubectl_refused.cli.scanning import ScanSurvey
from kubectl_refused.fixes.requests import request
from kubectl_refused.model.entrances import GATEWAY_GROUP
from kubectl_refused.model.target import ADDRESSED, CALLED, ENTRANCES, Depth
from kubectl_refused.probes.base import Method, Right
from kubectl_refused.probes.methods import live_methods
from kubectl_refused.probes.rights import role_of

MANIFESTS = Path(__file__).parents[2] / "manifests"
ROLES = {role["metadata"]["name"]: role for role in yaml.safe_load_all((MANIFESTS / "rbac.yaml").read_text())}
# Read outside of any method's list: sources/cluster.py for every diagnosis; the namespace's labels
# (probes/object_reads.py); a pod looked up again (probes/pod_lookup.py); what would count a stand-in
# (probes/enlisting.py); what leads to Services (sources/entrances.py, sources/calls.py, sources/addressed.py);
# workloads and their pods (sources/pods.py).
BESIDES = {
    Depth.NONE: {
        Right("get", "services"),
        Right("list", "endpointslices", "discovery.k8s.io"),
        Right("list", "pods"),
        Right("get", "namespaces"),
        Right("get", "ingresses", "networking.k8s.io"),
        Right("list", "ingressclasses", "networking.k8s.io"),
        *(
            Right("get", f"{kind.lower()}s", GATEWAY_GROUP)
            for kind in ENTRANCES
            if kind not in ("Ingress", "OpenShiftRoute", *CALLED, *ADDRESSED)
        ),
        Right("get", "routes", "route.openshift.io"),
        Right("list", "gatewayclasses", GATEWAY_GROUP),
        Right("list", "referencegrants", GATEWAY_GROUP),
        Right("get", "nodes"),
        Right("list", "services"),
        Right("list", "validatingwebhookconfigurations", "admissionregistration.k8s.io"),
        Right("list", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"),
        Right("list", "apiservices", "apiregistration.k8s.io"),
    },
    Depth.PASSIVE: set(),
    Depth.PODS: {
        Right("get", "pods"),
        Right("list", "poddisruptionbudgets", "policy"),
        Right("list", "horizontalpodautoscalers", "autoscaling"),
    },
    Depth.ALL: set(),
}
FIX, WAIT = "refused-fix", "refused-wait"
# Kinds that a fix patches; others are made anew, or not ours to change.
FIXED = (
    "Service", "Endpoints", "EndpointSlice", "Deployment", "StatefulSet", "DaemonSet", "NetworkPolicy", "Ingress",
    "HTTPRoute", "GRPCRoute", "OpenShiftRoute",
)  # fmt: skip


def granted(level: Depth) -> set[Right]:
    """The rights in the ClusterRole of one level."""
    return of_role(f"refused-{level.value}")


def of_role(name: str) -> set[Right]:
    """The rights in one ClusterRole."""
    return {
        Right(verb, *reversed_parts(resource, group))
        for rule in ROLES[name]["rules"]
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
        found |= rights_of(method)
    return found - of_role(FIX)


def rights_of(method: Method) -> set[Right]:
    """All that a method says it may use."""
    names = (name for name in dir(method) if name.startswith("rights"))
    return {right for name in names for right in getattr(method, name)}


def up_to(level: Depth) -> list[Depth]:
    """This level and the ones it includes."""
    return [other for other in Depth if other.rank <= level.rank]


@pytest.mark.parametrize("level", list(Depth))
def test_the_roles_up_to_a_level_grant_all_it_uses(level: Depth) -> None:
    assert used(level) - {right for below in up_to(level) for right in granted(below)} == set()


@pytest.mark.parametrize("level", list(Depth))
def test_no_role_grants_what_its_level_does_not_use(level: Depth) -> None:
    assert granted(level) - used(level) == set()


def test_there_is_one_role_per_level_one_for_changes_and_one_for_waiting() -> None:
    assert set(ROLES) == {f"refused-{level.value}" for level in Depth} | {FIX, WAIT}


def test_who_waits_may_watch_what_is_watched() -> None:
    request = scan_request_of({"server": "https://192.0.2.1", "token": "x"}, SCAN)
    lists = ScanSurvey(ClusterGround(request), request, Progress()).watched()
    watched = {one.path.rpartition("/")[2] for one in lists} | {resource for _, resource, *_ in WATCHED_BY_RUNS}
    assert {right.resource for right in of_role(WAIT)} == watched
    assert {right.verb for right in of_role(WAIT)} == {"watch"}


def test_only_the_role_for_changes_may_change_what_is_there() -> None:
    changing = {right for level in Depth for right in granted(level) if right.verb in ("patch", "update")}
    assert changing == {Right("patch", "pods", subresource="ephemeralcontainers")}
    fixed = {right.resource for right in of_role(FIX) if right.verb == "patch"}
    sent = [request(kind, "shop", "web", {}) for kind in FIXED]
    assert fixed == {patch.path.split("/")[-2] for patch in sent if patch}


@pytest.mark.parametrize(
    "method", [m for m in live_methods(Depth.ALL) if hasattr(m, "proves")], ids=lambda m: m.name
)
def test_a_report_names_the_role_that_grants_what_is_missing(method: Method) -> None:
    ways = [right for way in getattr(method, "ways", ()) for right in way]
    asked = [*method.rights, *ways]
    assert asked
    for right in asked:
        assert right in granted(role_of(right, method)), str(right)


def test_what_touches_or_runs_something_is_asked_about_beforehand() -> None:
    """Listing the methods that are not: they read, stand here, or are refused without harm (a dry run)."""
    unasked = {m.name for m in live_methods(Depth.ALL) if m.depth is not Depth.NONE and not hasattr(m, "proves")}
    assert unasked == {"config-maps", "container-log", "dry-run", "here"}


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
