"""Wait for a probe pod to run, and find out soon when it never will.

The Job controller says in an event (FailedCreate), and nowhere else, that a quota, a LimitRange, Pod Security
or a webhook forbids its pod.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from itertools import chain

import msgspec
from msgspec import Struct

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.watch import watch
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import Event, Pod
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.cleanup import job_path, pod_path
from kubectl_refused.probes.probe_pod_manifest import Wanted, selector_of
from kubectl_refused.probes.probe_pod_state import LONGEST, PodState, state_of
from kubectl_refused.text import one_line

SOON = 0.05  # seconds before the first look for the pod; a controller needs about that
GLANCE = 0.5  # seconds between looks later
LOOK = 10.0  # seconds of one watch while it is on its way
APPEARS = 15.0  # seconds for a controller to make the pod
IMAGE_REMEDY = "--image names one that the nodes have or can pull"
PATIENCE = 3.0  # seconds for what may pass, such as a node that is being added


class ProbeFailedError(Exception):
    """The probe could not be made: `because` is one clause, `remedy` what would help, or empty.

    `by_image`: another image may do better. `refusal` is what admission said of the pod, whole.
    """

    def __init__(self, because: str, remedy: str = "", *, by_image: bool = False, refusal: str = "") -> None:
        super().__init__(because)
        self.because = because
        self.remedy = remedy
        self.by_image = by_image
        self.refusal = refusal


class _Progress(Struct):
    pod: Pod | None = None
    trouble: str = ""
    since: float = 0.0
    step: str = "waiting for the probe pod"

    def note(self, pod: Pod, state: PodState, step: str) -> None:
        if not (self.trouble and state.trouble):
            self.since = time.monotonic()
        self.pod, self.trouble, self.step = pod, state.trouble, step


def wait_until_started(context: ProbeContext, wanted: Wanted) -> Pod:
    """Return the probe's pod once its container runs or has run.

    Raises ProbeFailedError with the reason, Cancelled, or a ConnectionProblem.
    """
    progress = _Progress()
    context.say(progress.step)
    deadline = time.monotonic() + context.settings.probe_pod_timeout
    await_appearance(context, wanted, min(deadline, time.monotonic() + APPEARS))
    while (left := deadline - time.monotonic()) > 0:
        for pod in chain(_listed(context, wanted), _changes(context, wanted, progress, min(left, LOOK))):
            if _started(progress, pod, wanted, context.say):
                return pod
        if progress.trouble and time.monotonic() - progress.since > PATIENCE:
            # Where the image is there may be no room, but on other nodes.
            elsewhere = bool(wanted.choice.nodes) and "affinity" in progress.trouble
            raise ProbeFailedError(progress.trouble, by_image=elsewhere and not wanted.node)
        context.connection.cancel.wait(SOON)
    late = _too_late(context, wanted, progress)
    raise ProbeFailedError(late, _remedy(late))


def await_appearance(context: ProbeContext, wanted: Wanted, deadline: float) -> None:
    """Look until a pod of the probe is there; raise with the controller's reason when it says that none will come.

    A short watch would do the same with a request that a busy server may not even begin to answer in time.
    """
    pause = SOON
    while time.monotonic() < deadline:
        context.connection.cancel.wait(pause)
        if _page(context, wanted):
            return
        if pause > SOON:
            _check_controller(context, wanted)
            _check_job(context, wanted)
        pause = min(GLANCE, pause * 2)
    raise ProbeFailedError(f"no controller made the probe pod in {APPEARS:.0f} s")


def _check_job(context: ProbeContext, wanted: Wanted) -> None:
    """Raise when the Job is gone, with its namespace perhaps: then no pod will come."""
    try:
        context.connection.get_bytes(job_path(wanted.namespace, wanted.name))
    except NotFound:
        raise ProbeFailedError("somebody deleted the probe Job") from None
    except (Forbidden, ApiProblem):
        return  # it cannot be known


def _page(context: ProbeContext, wanted: Wanted) -> list[msgspec.Raw]:
    query = [("labelSelector", selector_of(wanted))]
    return next(context.connection.list_items(pod_path(wanted.namespace), query), [])


def _listed(context: ProbeContext, wanted: Wanted) -> Iterator[Pod]:
    page = _page(context, wanted)
    if not page:
        raise ProbeFailedError("somebody deleted the probe pod")
    for raw in page:
        with contextlib.suppress(msgspec.DecodeError):
            yield decoded(raw, Pod)


def _changes(context: ProbeContext, wanted: Wanted, progress: _Progress, seconds: float) -> Iterator[Pod]:
    """Changes as they come; with trouble only a pause, as patience may end before the next change."""
    if progress.trouble:
        context.connection.cancel.wait(GLANCE)
        return
    query = [("labelSelector", selector_of(wanted))]
    try:
        for kind, raw in watch(context.connection, pod_path(wanted.namespace), query, seconds):
            if kind == "DELETED":
                raise ProbeFailedError("somebody deleted the probe pod")
            with contextlib.suppress(msgspec.DecodeError):
                yield decoded(raw, Pod)
            if progress.trouble:
                return
    except (ApiProblem, Unreachable):
        return  # it broke off: the list that follows tells whether the cluster is gone


def _started(progress: _Progress, pod: Pod, wanted: Wanted, say: Callable[[str], None]) -> bool:
    state = state_of(pod, wanted.choice.image)
    if state.trouble and not state.patient:
        raise ProbeFailedError(state.trouble, _remedy(state.trouble), by_image=state.by_image)
    pulls = not wanted.choice.present and state.step.startswith("starting")
    step = f"pulling image {wanted.choice.image}" if pulls else state.step
    if step != progress.step:
        say(step)
    progress.note(pod, state, step)
    return state.started


def _remedy(trouble: str) -> str:
    return IMAGE_REMEDY if "mage" in trouble else ""


def _check_controller(context: ProbeContext, wanted: Wanted) -> None:
    """Raise when the controller says that no pod will come."""
    selector = f"involvedObject.name={wanted.name},reason=FailedCreate"
    for event in _events(context, wanted.namespace, selector):
        raise ProbeFailedError(denied(event.message), refusal=event.message)


def denied(message: str) -> str:
    """The server's reason out of `Error creating: pods "refused-4f2a-x7k2p" is forbidden: exceeded quota: …`."""
    text = one_line(message, LONGEST).removeprefix("Error creating: ")
    _, forbidden, reason = text.partition(" is forbidden: ")
    return f"the probe pod is forbidden: {reason}" if forbidden else text


def _events(context: ProbeContext, namespace: str, selector: str) -> list[Event]:
    """Events by field selector; none where they may not be read."""
    query = [("fieldSelector", selector)]
    try:
        pages = context.connection.list_items(f"/api/v1/namespaces/{namespace}/events", query)
        return [decoded(raw, Event) for page in pages for raw in page]
    except (Forbidden, NotFound, ApiProblem, msgspec.DecodeError):
        return []


def _too_late(context: ProbeContext, wanted: Wanted, progress: _Progress) -> str:
    """One clause with the last warning about the pod, which tells of volumes, sandboxes and networks.

    A registry that does not answer brings no warning for a minute or more: then what it was at must do.
    """
    late = f"the probe pod did not run in {context.settings.probe_pod_timeout:.0f} s"
    if progress.trouble or progress.pod is None:
        return f"{late}: {progress.trouble}" if progress.trouble else f"{late}: still {progress.step}"
    selector = f"involvedObject.name={progress.pod.metadata.name},type=Warning"
    warnings = [e.message for e in _events(context, wanted.namespace, selector)]
    return f"{late}: {one_line(warnings[-1], LONGEST)}" if warnings else f"{late}: still {progress.step}"
