"""What a probe pod's status means: it runs, it waits, or it never will run. Pure."""

from __future__ import annotations

from msgspec import Struct

from kubectl_refused.model.objects import Condition, ContainerState, Pod, PodStatus
from kubectl_refused.text import one_line

# Waiting reasons that no patience mends within a diagnosis (kubelet's images and kuberuntime packages).
HOPELESS = frozenset({
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
    "RegistryUnavailable", "SignatureValidationFailed", "CreateContainerConfigError", "CreateContainerError",
    "RunContainerError", "PreCreateHookError", "PreStartHookError",
})  # fmt: skip
# Reasons of a container that ended without having run: the runtime could not start the command.
NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})
LONGEST = 300


class PodState(Struct, frozen=True):
    """`step` is for the spinner. `trouble` says why it cannot run; `patient` when that may pass in seconds.

    `by_image`: it is the image that cannot be had or cannot run the agent.
    """

    step: str
    started: bool = False
    trouble: str = ""
    patient: bool = False
    by_image: bool = False


def state_of(pod: Pod, image: str) -> PodState:
    """Judge a pod of one container named by us."""
    status = pod.status or PodStatus()
    container = next(iter(status.container_statuses or ()), None)
    state = container.state if container else ContainerState()
    if state.running or (state.terminated and state.terminated.reason not in NEVER_RAN):
        return PodState("dialling", started=True)
    if state.terminated:
        return PodState(
            "", trouble=said(f"{image} cannot run the probe", unwrapped(state.terminated.message)), by_image=True
        )
    if state.waiting and state.waiting.reason in HOPELESS:
        trouble = said(state.waiting.reason, state.waiting.message or f"image {image}")
        return PodState("", trouble=trouble, by_image=True)
    if status.phase == "Failed":
        return PodState("", trouble=said(status.reason or "the pod failed", status.message))
    if condition := unschedulable(status):
        return PodState("scheduling the probe pod", trouble=said("Unschedulable", condition.message), patient=True)
    if not pod.spec.node_name:
        return PodState("scheduling the probe pod")
    return PodState(f"starting the probe pod on {pod.spec.node_name}")


def unschedulable(status: PodStatus) -> Condition | None:
    """The scheduler's word that no node fits."""
    found = (c for c in status.conditions or () if c.type == "PodScheduled" and c.reason == "Unschedulable")
    return next((c for c in found if c.status == "False"), None)


def unwrapped(message: str) -> str:
    """`exec: "sh": executable file not found in $PATH` out of what runtime, shim and runc put round it."""
    _, found, cause = message.rpartition("exec: ")
    return found + cause.removesuffix(": unknown")


def said(reason: str, message: str) -> str:
    """`ErrImagePull: …` on one line."""
    return one_line(f"{reason}: {message}" if message else reason, LONGEST)
