"""The cluster's name service as a client meets it: lookups that failed, and the servers behind kube-dns. Pure.

Every installer calls the Service `kube-dns`, whatever serves there (kubernetes.io, DNS for Services and Pods).
OpenShift keeps its own elsewhere (openshift-dns): nothing is said of it.
"""

from __future__ import annotations

from kubectl_refused.model.evidence import WitnessEvidence
from kubectl_refused.model.facts import LOOKUP, PODS_IN, SERVICES_IN, NameKey, NamespaceKey
from kubectl_refused.model.objects import Labels, Pod, Service
from kubectl_refused.model.observation import Lookup
from kubectl_refused.model.scene import Scene

from .labels import carries
from .questions import dns_name
from .statuses import condition

SYSTEM, NAME = "kube-system", "kube-dns"
PORT = 53
# Words by which resolvers say that a server answered, and knows no such name: glibc, musl, busybox, the agent.
_NO_SUCH_NAME = ("eai_noname", "eai_nodata", "not known", "nxdomain", "no address", "can't find", "can't resolve")
_NOT_FOUND_ONLY_IF_NOT = ("timed out", "no response", "no servers", "connection refused", "temporary failure")


def failed_lookup(scene: Scene) -> Lookup | None:
    """The Service's name as this vantage failed to resolve it; None where it resolved or was not asked.

    Every scene with a vantage asks it (questions.py): no cause asks by itself, so that none does where nothing
    may be dialled.
    """
    if scene.from_files or scene.service is None or scene.port is None or not _asks_the_cluster(scene):
        return None
    name = NameKey(dns_name(scene), scene.vantage.key)
    seen = scene.maybe(LOOKUP, name) if scene.facts.get(LOOKUP, name) is not None else None
    return seen if seen and seen.error and not seen.addresses else None


def unanswered(lookup: Lookup) -> bool:
    """Whether no server answered at all, which is another fault than an answer that there is no such name."""
    said = lookup.error.lower()
    return any(w in said for w in _NOT_FOUND_ONLY_IF_NOT) or not any(w in said for w in _NO_SUCH_NAME)


def name_servers(scene: Scene) -> tuple[Service, tuple[Pod, ...]] | None:
    """(Service kube-dns, the pods it selects); None where it is not there, selects nothing or cannot be read."""
    services = scene.maybe(SERVICES_IN, NamespaceKey(SYSTEM))
    found = next((s for s in services or () if s.metadata.name == NAME), None)
    if found is None or not found.spec.selector:
        return None
    pods = scene.maybe(PODS_IN, NamespaceKey(SYSTEM))
    if pods is None:
        return None
    wanted: Labels = found.spec.selector
    return found, tuple(p for p in pods if carries(p.metadata.labels, wanted))


def ready(pod: Pod) -> bool:
    """Whether a pod gets traffic: Ready, and not on its way out."""
    seen = condition(pod, "Ready")
    return pod.metadata.deletion_timestamp is None and seen is not None and seen.status == "True"


def lookup_proof(scene: Scene, lookup: Lookup) -> WitnessEvidence:
    """That the name did not resolve, and in whose eyes."""
    how = "gave no answer" if unanswered(lookup) else "there is no such name"
    says = f"{lookup.name} does not resolve from {scene.vantage}: {how} ({lookup.error})"
    return WitnessEvidence(witness=lookup.witness, subject=lookup.name, says=says)


def _asks_the_cluster(scene: Scene) -> bool:
    return scene.vantage.is_pod or scene.vantage.kind == "node"
