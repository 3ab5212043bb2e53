"""Send a fix: read the object, have the server try the patch on that very version, apply it, wait for its effect.

The patch carries the resourceVersion that was read: where somebody writes in between, the server answers 409 and
nothing is overwritten (Kubernetes API concepts, resource versions).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.decoders import decoded
from kubectl_refused.errors import RefusedError
from kubectl_refused.fixes.change import named
from kubectl_refused.fixes.requests import JSON
from kubectl_refused.fixes.undoing import Operation, way_back
from kubectl_refused.model.evidence import PatchRequest

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

SETTLES = 60.0  # seconds for a rollout
POLL = 0.5
CONFLICT = 409


class NotApplied(RefusedError):
    """The change was not made; `message` is one line that says why."""


@dataclass(frozen=True)
class Prepared:
    """A patch that the server has tried: the object as it was read, and as it would become."""

    request: PatchRequest
    body: Any
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def name(self) -> str:
        """`svc/web`."""
        return named(self.request.kind, self.request.name)

    @property
    def back(self) -> list[Operation]:
        """The JSON patch that undoes it; empty where nothing changes."""
        return way_back(self.before, self.after)


def prepare(connection: Connection, request: PatchRequest) -> Prepared:
    """Read the object and try the patch on it, storing nothing. Raises NotApplied, Unreachable or Cancelled."""
    name = named(request.kind, request.name)
    try:
        before = decoded(connection.get_bytes(request.path), dict[str, Any])
        body = _of_version(request, before["metadata"]["resourceVersion"])
        answer = connection.patch(request.path, body, request.type, dry_run=True)
        return Prepared(request, body, before, decoded(answer, dict[str, Any]))
    except (Forbidden, NotFound, ApiProblem) as error:
        raise NotApplied(_why(error, name)) from error
    except (msgspec.DecodeError, KeyError) as error:
        raise NotApplied(f"{name} does not read as an object") from error


def apply(connection: Connection, prepared: Prepared) -> None:
    """Make the change. Raises NotApplied where it was not made; Unreachable where nobody knows."""
    try:
        connection.patch(prepared.request.path, prepared.body, prepared.request.type)
    except (Forbidden, NotFound, ApiProblem) as error:
        raise NotApplied(_why(error, prepared.name)) from error


def undo(connection: Connection, prepared: Prepared) -> None:
    """Take the change back, if what it changed is still so. Raises NotApplied otherwise."""
    try:
        connection.patch(prepared.request.path, prepared.back, JSON)
    except (Forbidden, NotFound, ApiProblem) as error:
        raise NotApplied(_why(error, prepared.name)) from error


def settle(connection: Connection, request: PatchRequest, say: Callable[[str], None]) -> None:
    """Wait until the workload has rolled the change out, SETTLES seconds at most. Never raises but Cancelled.

    Endpoints and nodes follow within moments and are not waited for: who dials too early dials again.
    """
    if request.kind not in _ROLLED_OUT:
        return
    path = request.path.removesuffix(f"/{request.subresource}" if request.subresource else "")
    say(f"waiting for the rollout of {named(request.kind, request.name)}")
    end = time.monotonic() + SETTLES
    while time.monotonic() < end:
        try:
            workload = decoded(connection.get_bytes(path), dict[str, Any])
        except (Forbidden, NotFound, ApiProblem, msgspec.DecodeError):
            return
        if _rolled_out(request.kind, workload):
            return
        connection.cancel.wait(POLL)


def _of_version(request: PatchRequest, version: str) -> Any:
    """The patch, good for that version of the object only."""
    if isinstance(request.body, list):
        return [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}, *request.body]
    metadata = {**request.body.get("metadata", {}), "resourceVersion": version}
    return {**request.body, "metadata": metadata}


def _why(error: Forbidden | NotFound | ApiProblem, name: str) -> str:
    if isinstance(error, Forbidden) and not error.by_admission:
        return error.message
    if isinstance(error, ApiProblem) and error.status == CONFLICT:
        return f"somebody changed {name} meanwhile; run it again"
    if isinstance(error, ApiProblem) and error.status >= 500:
        return error.message
    return f"the API server refuses the change: {error.server_message or error.message}"


# Kind to (pods wanted, pods of the new template, pods that serve), as fields of its status; `kubectl rollout
# status` waits for the same (k8s.io/kubectl pkg/polymorphichelpers/rollout_status.go).
_ROLLED_OUT = {
    "Deployment": ("", "updatedReplicas", "availableReplicas"),
    "StatefulSet": ("", "updatedReplicas", "availableReplicas"),
    "DaemonSet": ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"),
}


def _rolled_out(kind: str, workload: dict[str, Any]) -> bool:
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if status.get("observedGeneration", 0) < workload.get("metadata", {}).get("generation", 0):
        return False
    wanted, updated, available = _ROLLED_OUT[kind]
    count = status.get(wanted, 0) if wanted else spec.get("replicas", 1)
    if not wanted and status.get("replicas", 0) != count:  # old pods are still there, or new ones not yet
        return False
    return bool(min(status.get(updated, 0), status.get(available, 0)) >= count)
