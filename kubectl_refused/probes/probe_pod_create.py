"""Create a probe, as a Job or, where those are forbidden, as a bare pod; its undoing is written down before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import Metadata
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.cleanup import job_path, pod_path, remove
from kubectl_refused.probes.probe_pod_manifest import DEADLINE, Wanted, bare_pod, job
from kubectl_refused.probes.probe_pod_wait import ProbeFailedError, denied

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

# Said in the report: unlike a Job, a bare pod does not remove itself when this program is killed.
BARE = f"deleted (a bare pod, as Jobs are forbidden; killed, it ends after {DEADLINE} s but stays listed)"


class _Named(msgspec.Struct):
    metadata: Metadata


class Created:
    """What was created. `remove` may be called by the method and by the ledger: once is enough."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.uid: str | None = None
        self.removed = False

    def remove(self, connection: Connection) -> None:
        """Delete it with its pod. Without a UID the answer to the create was lost: then the name, ours, must do.

        Raises a ConnectionProblem when it may still be there.
        """
        if self.removed:
            return
        try:
            remove(connection, self.path, self.uid)
        except ApiProblem as problem:
            if problem.status != 409:  # 409: another object has the name by now
                raise
        self.removed = True


def create(context: ProbeContext, wanted: Wanted) -> Created:
    """Create the Job or the pod. Raises ProbeFailedError when both are refused."""
    try:
        path = job_path(wanted.namespace)
        return _post(
            context, f"job/{wanted.name}{_elsewhere(context, wanted)}", "deleted", path, wanted.name, job(wanted)
        )
    except Forbidden as refused:
        if refused.by_admission:
            raise ProbeFailedError(f"the probe Job is forbidden: {refused.server_message}") from refused
    except NotFound as problem:
        raise ProbeFailedError(problem.message) from problem
    if wanted.labels:
        # A ReplicaSet or DaemonSet adopts a pod that has its labels and no controller.
        remedy = f"grant create jobs.batch in namespace {wanted.namespace}"
        raise ProbeFailedError("a stand-in with its client's labels needs a Job, and may create none", remedy)
    path = pod_path(wanted.namespace)
    try:
        return _post(
            context, f"pod/{wanted.name}{_elsewhere(context, wanted)}", BARE, path, wanted.name, bare_pod(wanted)
        )
    except Forbidden as refused:
        if refused.by_admission:
            said = refused.server_message
            raise ProbeFailedError(denied(said), refusal=said) from refused
        remedy = f"grant create jobs.batch in namespace {wanted.namespace}"
        raise ProbeFailedError("may create neither jobs nor pods", remedy) from refused


def _elsewhere(context: ProbeContext, wanted: Wanted) -> str:
    """For a client that is not in the target's namespace."""
    return "" if wanted.namespace == context.target.namespace else f" in namespace {wanted.namespace}"


def create_job(context: ProbeContext, wanted: Wanted, body: object) -> Created:
    """Create that Job and nothing in its place. Raises ProbeFailedError."""
    what = f"job/{wanted.name}{_elsewhere(context, wanted)}"
    try:
        return _post(context, what, "deleted", job_path(wanted.namespace), wanted.name, body)
    except (Forbidden, NotFound) as problem:
        raise ProbeFailedError(problem.message) from problem


def _post(context: ProbeContext, what: str, undone: str, path: str, name: str, body: object) -> Created:
    created = Created(f"{path}/{name}")
    context.ledger.record(what, undone, created.remove)
    try:
        answer = context.connection.create(path, body)
    except (Forbidden, NotFound):
        created.removed = True
        context.ledger.strike(what)
        raise
    except ApiProblem as problem:  # a 5xx may come after the fact, so the record stays
        raise ProbeFailedError(problem.message) from problem
    created.uid = decoded(answer, _Named).metadata.uid or None
    return created
