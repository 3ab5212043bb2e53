"""What would take a pod that carries certain labels for one of its own.

A stand-in carries its client's labels, never becomes ready and has our Job as controller: ReplicaSets and
DaemonSets adopt orphans only, and traffic goes to ready endpoints. Three things look at neither: a Service that
publishes pods that are not ready, a PodDisruptionBudget (its controller counts matching pods and stops allowing
disruptions when one's controller has no scale: kubernetes pkg/controller/disruption/disruption.go), and a
HorizontalPodAutoscaler (it lists pods by the target's selector: podautoscaler/replica_calculator.go).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.probes.workload_reads import PATHS
from kubectl_refused.sources.reads import in_parallel, namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

Labels = Mapping[str, str]
MOST_PAGES = 4  # of 500 objects in one namespace
MOST_TARGETS = 50  # workloads looked up for autoscalers
OLD_PUBLISH = "service.alpha.kubernetes.io/tolerate-unready-endpoints"


def enlisted_by(connection: Connection, namespace: str, labels: Labels) -> str:
    """`PodDisruptionBudget web would count it`, or empty where nothing would.

    Raises Forbidden, NotFound or ApiProblem where that cannot be known.
    """
    tasks: list[Callable[[], str]] = [
        lambda: _publishing(connection, namespace, labels),
        lambda: _budget(connection, namespace, labels),
        lambda: _autoscaler(connection, namespace, labels),
    ]
    return next((by for by in in_parallel(tasks) if by), "")


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a LabelSelector (apimachinery meta/v1) matches; the empty one matches everything, none nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(rule, labels) for rule in selector.get("matchExpressions") or ())


def _holds(rule: Mapping[str, Any], labels: Labels) -> bool:
    value = labels.get(rule.get("key", ""))
    values: list[str] = rule.get("values") or []
    operator: str = rule.get("operator", "")
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    if operator == "NotIn":
        return value not in values
    return value is not None and value in values


def _publishing(connection: Connection, namespace: str, labels: Labels) -> str:
    for service in _items(connection, namespaced(namespace, "services")):
        spec, notes = service.get("spec") or {}, service["metadata"].get("annotations") or {}
        publishes = spec.get("publishNotReadyAddresses") or notes.get(OLD_PUBLISH) == "true"
        selector = spec.get("selector")
        if publishes and selector and selects({"matchLabels": selector}, labels):
            return f"Service {service['metadata']['name']} would send it traffic, as it publishes unready pods"
    return ""


def _budget(connection: Connection, namespace: str, labels: Labels) -> str:
    for budget in _items(connection, namespaced(namespace, "poddisruptionbudgets", group="policy/v1")):
        if selects((budget.get("spec") or {}).get("selector"), labels):
            return f"PodDisruptionBudget {budget['metadata']['name']} would count it"
    return ""


def _autoscaler(connection: Connection, namespace: str, labels: Labels) -> str:
    scalers = _items(connection, namespaced(namespace, "horizontalpodautoscalers", group="autoscaling/v2"))
    for scaler in scalers[:MOST_TARGETS]:
        target = scaler["spec"]["scaleTargetRef"]
        selector = _selector_of(connection, namespace, target)
        # What cannot be read (a custom resource) is taken for one that would count it.
        if selector is None or selects(selector, labels):
            return f"HorizontalPodAutoscaler {scaler['metadata']['name']} would count it"
    return ""


def _selector_of(connection: Connection, namespace: str, target: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if target.get("kind") not in PATHS:
        return None
    group, resource = PATHS[target["kind"]]
    try:
        raw = connection.get_bytes(namespaced(namespace, resource, target.get("name", ""), group))
    except NotFound:
        return {"matchExpressions": [{"key": "", "operator": "Exists"}]}  # it scales nothing, so it counts nothing
    except (Forbidden, ApiProblem):
        return None
    selector: Mapping[str, Any] = (msgspec.json.decode(raw).get("spec") or {}).get("selector") or {}
    return selector


def _items(connection: Connection, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for count, page in enumerate(connection.list_items(path), start=1):
        found += [msgspec.json.decode(raw) for raw in page]
        if count >= MOST_PAGES:
            break
    return found
