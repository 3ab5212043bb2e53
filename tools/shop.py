"""The demo's shop as data: its manifests, what must be found in each Service, and when it is ready.

Used by the tour and by the live tests; runs on the venv's Python, for it reads YAML.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEMO = Path(__file__).resolve().parent.parent / "manifests" / "demo"
NAMESPACE = "shop"
NAMESPACES = ("shop", "warehouse")
SETTLE_SECONDS = 120.0
POLL_SECONDS = 0.5

# Runs kubectl with these words and returns what it wrote; raises where it fails.
Kubectl = Callable[..., str]


@dataclass(frozen=True)
class Expected:
    """What one Service must turn out to be: root causes by name, None where nothing is found."""

    service: str
    pods: str
    packets: str | None
    objects: str | None


def expected(path: Path = DEMO / "expected.yaml") -> tuple[Expected, ...]:
    """The Services in the order of the tour."""
    data = yaml.safe_load(path.read_text())["expected"]
    return tuple(Expected(name, **row) for name, row in data.items())


def roots(report: Mapping[str, Any]) -> dict[str, str | None]:
    """Service name to root cause, from a Diagnosis or a DiagnosisList as `-o json` writes it."""
    items = report["items"] if report["kind"] == "DiagnosisList" else [report]
    return {service(item["target"]): (item["root"] or {}).get("name") for item in items}


def service(target: str) -> str:
    """`svc/web:80` is of `web`."""
    return target.rpartition("/")[2].partition(":")[0]


def await_states(
    kubectl: Kubectl,
    wanted: Iterable[Expected],
    *,
    say: Callable[[str], None] = lambda text: None,
    namespaces: Iterable[str] = NAMESPACES,
) -> list[str]:
    """Wait until every Service's pods show the state they are to reach; returns those that did not in time."""
    wanted, namespaces = tuple(wanted), tuple(namespaces)
    deadline = time.monotonic() + SETTLE_SECONDS
    shown = ""
    while True:
        pods = [pod for space in namespaces for pod in listed(kubectl, space)]
        missing = [e.service for e in wanted if not reached(e, [p for p in pods if belongs(p, e.service)])]
        if not missing or time.monotonic() > deadline:
            return missing
        if (text := ", ".join(missing)) != shown:
            say(f"waiting for {text}")
            shown = text
        time.sleep(POLL_SECONDS)


def listed(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    """The pods of a namespace."""
    items: list[dict[str, Any]] = json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    return items


def belongs(pod: Mapping[str, Any], name: str) -> bool:
    """Whether the pod is of the Deployment of that name and not on its way out."""
    return pod["metadata"]["labels"].get("app") == name and "deletionTimestamp" not in pod["metadata"]


def reached(wanted: Expected, pods: list[dict[str, Any]]) -> bool:
    """Whether the Service's pods are in the state wanted."""
    if wanted.pods == "Absent":
        return not pods
    return bool(pods) and all(state(pod) == wanted.pods for pod in pods)


def state(pod: Mapping[str, Any]) -> str:
    """Ready, Unready (it runs), Pending (no node), or the reason why its container waits."""
    status = pod["status"]
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or []}
    if conditions.get("Ready") == "True":
        return "Ready"
    if conditions.get("PodScheduled") == "False":
        return "Pending"
    container = (status.get("containerStatuses") or [{}])[0].get("state", {})
    if "running" in container:
        return "Unready"
    return str(container.get("waiting", {}).get("reason", "Unknown"))


def documents(service: str) -> list[dict[str, Any]]:
    """The manifests of the one file that tells this Service's story."""
    for path in sorted(DEMO.glob("[0-9]*.yaml")):
        found = [document for document in yaml.safe_load_all(path.read_text()) if document]
        if any(d["kind"] == "Service" and d["metadata"]["name"] == service for d in found):
            return found
    raise LookupError(f"no file of manifests/demo has svc/{service}")
