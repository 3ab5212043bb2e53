"""A container of the pod cannot be made: no image, or no configuration.

Why it refuses:
    The kubelet waits for an image that cannot be had, or for a ConfigMap or Secret that is not there. The pod
    keeps its address, but its container never starts, so its endpoint is not ready and gets no traffic.
Confirm:
    kubectl describe pod POD    # the container's state and the Failed events
Fix:
    Name an image that the node can pull, with the rights to pull it; create what the container refers to.
See:
    https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import EVENTS, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.exits import innermost
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import Reported, reported
from kubectl_refused.trace.testimonies import event_said, events_saying

# kubernetes pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime/kuberuntime_container.go
_IMAGE = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError",
     "RegistryUnavailable", "SignatureValidationFailed"}
)  # fmt: skip
_CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_UNDER_WAY = frozenset({"ContainerCreating", "PodInitializing"})
_MISSING = lazily(r'(?i:(configmap|secret) "([^"]{1,253})" not found)')
_KEY = lazily(r"couldn't find key (\S{1,253}) in (ConfigMap|Secret) (?:\S{1,63}/)?(\S{1,253})")
_KINDS = {"configmap": "ConfigMap", "secret": "Secret"}


class _Told(Struct, frozen=True):
    headline: str
    summary: str


@cause(
    "KR207", scope=Scope.POD, reads={EVENTS, WORKLOAD}, produces=Symptom.NOT_READY, since="0.1", needs_symptom=True
)
def image_not_pulled(scene: Scene) -> Iterator[Finding]:
    """Yield for the first container that waits for its image or its configuration."""
    pod = scene.pod
    if pod is None:
        return
    for container in reported(pod):
        waiting = container.status.state.waiting
        if waiting and waiting.reason in _IMAGE | _CONFIGURATION:
            yield _finding(scene, pod, container, waiting.reason, waiting.message)
            return
        if waiting and waiting.reason in _UNDER_WAY and (told := _failed_before(scene, pod)):
            yield _finding(scene, pod, container, *told, certainty=Certainty.LIKELY)
            return


def _failed_before(scene: Scene, pod: Pod) -> tuple[str, str] | None:
    """(reason, message) of the last failure in the events: between two tries the status tells none of it."""
    named = "|".join(sorted(_IMAGE | _CONFIGURATION))
    events = events_saying(scene, pod, rf"\b(?:{named})\b|{_MISSING.pattern}")
    if not events:
        return None
    token = re.search(rf"\b(?:{named})\b", f"{events[-1].reason} {events[-1].message}")
    told = [e.message for e in events_saying(scene, pod, r"image \"|not found")]
    return (token[0] if token else events[-1].reason), (told or [events[-1].message])[-1]


def _finding(
    scene: Scene,
    pod: Pod,
    container: Reported,
    reason: str,
    message: str,
    certainty: Certainty = Certainty.PROVED,
) -> Finding:
    image = container.status.image
    said = innermost(message) if reason in _IMAGE else one_line(message)
    waiting = container.status.state.waiting
    shown = f"{reason}: {said}" if waiting and waiting.reason == reason else "its container is being created"
    evidence: list[Evidence] = [
        field(scene, f"pod/{pod.metadata.name}", f"{container.field}.state.waiting", reason, shown)
    ]
    # "Back-off pulling image" hides the reason, and so does a state between two tries: an event has it.
    pattern = re.escape(image) if reason in _IMAGE else _MISSING.pattern
    events = events_saying(scene, pod, pattern)
    evidence += [event_said(pod, e) for e in events[-1:] if innermost(e.message) not in shown]
    if reason in _IMAGE:
        told = _image(image, reason, message + " ".join(e.message for e in events))
    else:
        told = _configuration(scene, container, message)
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    return Finding(
        where=f"{container.shown} of pod/{pod.metadata.name}",
        says=f"{reason}: {image}" if reason in _IMAGE else f"{reason}: {said}",
        headline=told.headline,
        certainty=certainty,
        evidence=tuple(evidence),
        fix=Fix(summary=f"{told.summary} ({owner}, {container.shown})", owner=owner),
    )


def _image(image: str, reason: str, why: str) -> _Told:
    """What keeps the image away, from the words of kubelet, runtime and registry."""
    if reason == "InvalidImageName":
        return _Told(f"{image} is not a valid image name", f"Write the image name {image} right")
    if reason == "ErrImageNeverPull":
        says = f"image {image} is not on the node, and imagePullPolicy is Never"
        return _Told(says, f"Load {image} on every node, or let imagePullPolicy be IfNotPresent")
    if re.search(r"toomanyrequests|rate limit", why, re.IGNORECASE):
        says = f"the registry of {image} limits the rate of pulls"
        return _Told(says, "Pull with credentials, or from a mirror")
    if re.search(r"unauthorized|authentication required|denied|forbidden|no basic auth", why, re.IGNORECASE):
        says = f"the registry gives {image} to nobody without rights"
        return _Told(says, f"Give the pod an imagePullSecret that may pull {image}, or correct the name")
    if re.search(r"not found|manifest unknown|name unknown|no match for platform", why, re.IGNORECASE):
        return _Told(f"image {image} does not exist", f"Name an image that exists instead of {image}")
    if re.search(r"x509|dial tcp|i/o timeout|no such host|connection refused|EOF|TLS", why):
        says = f"the node cannot reach the registry of {image}"
        return _Told(says, f"Name a registry that the nodes reach for {image}")
    return _Told(f"image {image} cannot be pulled", f"Name an image that can be pulled instead of {image}")


def _configuration(scene: Scene, container: Reported, message: str) -> _Told:
    """Which ConfigMap, Secret or key is missing, from the kubelet's words."""
    space = scene.target.namespace
    if found := _MISSING.search(message):
        kind, name = _KINDS[found[1].lower()], found[2]
        return _Told(f"{kind} {name} does not exist", f"Create {kind} {name} in namespace {space}")
    if found := _KEY.search(message):
        key, kind, name = found.groups()
        return _Told(f"{kind} {name} has no key {key}", f"Add the key {key} to {kind} {name}")
    if "runAsNonRoot" in message or "non-root" in message:
        return _Told("its image runs as root, and runAsNonRoot forbids it", "Give it a runAsUser that is not 0")
    return _Told(f"{container.shown} cannot be created", "Correct what its state.waiting.message names")
