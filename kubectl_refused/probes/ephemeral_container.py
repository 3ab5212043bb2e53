"""The listening sockets of a pod whose images have no shell, read by an ephemeral container in it.

It stays in the pod's spec until the pod is replaced and cannot be removed, so it is the last resort (--probe
all). It satisfies Pod Security `restricted` and shares the process namespace of one container, for the names.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.connection.logs import read_log
from kubectl_refused.model.facts import LISTENERS, Fact, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import ContainerStatus, Pod, SecurityContext
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.container_exec import WITH_SHELL
from kubectl_refused.probes.image_candidates import candidates
from kubectl_refused.probes.pod_lookup import find_pod, running_containers
from kubectl_refused.probes.proc_net import parse_owners, was_read, with_owners
from kubectl_refused.probes.proc_net_queues import listeners_of
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import each, gap_of, namespaced
from kubectl_refused.text import one_line

STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
UNPRIVILEGED_USER = 65532  # distroless' nonroot
PAUSE = 0.3  # seconds between two looks
MOST_LINES = 5000
# The kubelet goes on trying to pull for ever; these reasons do not pass by themselves within our time.
HOPELESS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
     "CreateContainerError", "RunContainerError"}
)  # fmt: skip


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    ephemeral_container_statuses: tuple[ContainerStatus, ...] | None = None


class _Pod(msgspec.Struct, frozen=True, rename="camel"):
    status: _Status = _Status()


class EphemeralContainer:
    """Reads sockets with an ephemeral container."""

    name = "ephemeral-container"
    order = 60
    depth = Depth.ALL
    facts: frozenset[Fact[Any]] = frozenset({LISTENERS})
    rights: tuple[Right, ...] = (
        Right("patch", "pods", subresource="ephemeralcontainers"),
        Right("get", "pods"),
        Right("get", "pods", subresource="log"),
    )
    proves = "which sockets listen where no container of the pod can tell"

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each pod, side by side."""
        context.say("reading listening sockets with an ephemeral container")
        values = each(lambda key: _read_pod(context, key), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))


def _read_pod(context: ProbeContext, key: PodKey) -> Listeners | Gap:
    what = f"listening sockets of pod/{key.name}"
    pod = find_pod(context, key)
    if isinstance(pod, Gap):
        return Gap(what, pod.because, pod.remedy)
    containers = running_containers(pod)
    if not containers:
        return Gap(what, "none of its containers runs")
    image = choose_image(context, pod)
    try:
        return _attach(context, key, ephemeral_container(pod, containers[0], image, context.run_id), what)
    except (Forbidden, NotFound, ApiProblem) as error:
        return gap_of(error, what)
    except OddObject:
        return Gap(what, "the pod does not read as one")


def _attach(context: ProbeContext, key: PodKey, container: dict[str, Any], what: str) -> Listeners | Gap:
    name, connection = container["name"], context.connection
    touch = f"ephemeral container {name} in pod/{key.name}"
    context.ledger.record(touch, "it stays in the pod's spec until the pod is replaced")
    path = namespaced(key.namespace, "pods", key.name)
    spec = {"spec": {"ephemeralContainers": [container]}}
    try:
        connection.patch(f"{path}/ephemeralcontainers", spec, STRATEGIC_MERGE_PATCH)
    except (Forbidden, NotFound):
        context.ledger.strike(touch)
        raise
    trouble = _wait(context, path, name)
    if trouble:
        return Gap(what, f"the ephemeral container {trouble}", "--image IMAGE names another image")
    text = read_log(connection, key.namespace, key.name, name, tail=MOST_LINES)
    if not was_read(text):
        return Gap(what, f"the ephemeral container could not read them: {one_line(text) or 'it wrote nothing'}")
    found = listeners_of(text, witness=f"ephemeral container in {key.name}")
    return msgspec.structs.replace(found, sockets=with_owners(found.sockets, parse_owners(text)))


def _wait(context: ProbeContext, path: str, name: str) -> str:
    """Wait until the container has ended; return what went wrong, or nothing."""
    deadline = time.monotonic() + context.settings.probe_pod_timeout
    seen = "did not start"
    while time.monotonic() < deadline:
        status = decode(context.connection.get_bytes(path), _Pod).status
        mine = next((s for s in status.ephemeral_container_statuses or () if s.name == name), None)
        if mine and mine.state.terminated:
            return ""
        waiting = mine.state.waiting if mine else None
        if waiting:
            seen = f"did not start: {one_line(f'{waiting.reason} {waiting.message}')}"
            if waiting.reason in HOPELESS:
                return seen
        elif mine and mine.state.running:
            seen = "did not end"
        context.connection.cancel.wait(PAUSE)
    return f"{seen} within {context.settings.probe_pod_timeout:g} s"


def ephemeral_container(pod: Pod, target: str, image: str, run_id: str) -> dict[str, Any]:
    """Return the container, as Pod Security `restricted` wants it, whatever the namespace's level is.

    With the target's own user and group it may read which process holds a socket (ptrace(2), access mode
    checking). Root is none that `restricted` takes, and without capabilities it could not do so either, as the
    target mostly has some. A group that only the pod or the image names is the same for both anyway.
    """
    user, group = _identity_of(pod, target)
    return {
        "name": f"refused-{run_id}",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(WITH_SHELL),
        "targetContainerName": target,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            **({"runAsGroup": group} if group is not None else {}),
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _identity_of(pod: Pod, container: str) -> tuple[int, int | None]:
    """The user (never root) and, where the container itself names one, the group."""
    all_of_it = (*(pod.spec.containers or ()), *(pod.spec.init_containers or ()))
    own = next((c.security_context for c in all_of_it if c.name == container), None) or SecurityContext()
    of_pod = pod.spec.security_context or SecurityContext()
    # A container's own 0 is root, whatever the pod's user is.
    user = of_pod.run_as_user if own.run_as_user is None else own.run_as_user
    return user or UNPRIVILEGED_USER, own.run_as_group


def choose_image(context: ProbeContext, pod: Pod) -> str:
    """The image asked for, else one with a shell that is known to be on the pod's node, else the one to pull.

    Nothing is tried blind or twice: each try would stay in the pod's spec.
    """
    client = Client(standing="node", namespace=pod.metadata.namespace, node=pod.spec.node_name or "")
    *there, last = candidates(context, client)
    known = [choice for choice in there if choice.form != "either" and "distroless" not in choice.image]
    # The small ones with nc have a shell for sure, Python's own mostly.
    return max(known or [last], key=lambda choice: choice.form == "shell").image
