"""The control beside a client: the same namespace and node without its labels. Pure.

Where the client fails and the control gets through, its labels are what somebody judges by: shown, not concluded.
"""

from __future__ import annotations

from kubectl_refused.judge.tellings import dial_told
from kubectl_refused.model.evidence import WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene

# Of a stand-in: what says that it is ours, and what its control has too (probes/probe_pod_manifest.py).
_OURS = ("refused.dev/", "sidecar.istio.io/", "istio.io/dataplane-mode", "kuma.io/")
_OF_ITS_JOB = frozenset({"controller-uid", "job-name"})


def labels_judged(scene: Scene) -> str:
    """`app=cart, tier=web`: the client's labels that its control lacks, by which it may be judged."""
    told = [f"{key}={value}" for key, value in scene.vantage.labels if not _shared(key, value)]
    return ", ".join(told)


def _shared(key: str, value: str) -> bool:
    ours = key.startswith(_OURS) or (key.startswith("app.kubernetes.io/") and value == "kubectl-refused")
    return ours or key.rpartition("batch.kubernetes.io/")[2] in _OF_ITS_JOB


def control(scene: Scene) -> Handshake | None:
    """The control's dial of the endpoint looked at; None without a control, Undecided while nobody dialled."""
    beside = scene.control_of(scene.endpoint_dial)
    return scene.maybe(HANDSHAKE, beside) if beside else None


def control_proof(scene: Scene) -> tuple[WitnessEvidence, ...]:
    """What the control's accept proves; nothing where it failed too or there is none."""
    seen = control(scene)
    if seen is None or seen.outcome is not Outcome.ACCEPTED or not seen.first_hand:
        return ()
    says = f"a pod beside {scene.vantage.who} without its labels gets in: {dial_told(seen, scene)}"
    return (WitnessEvidence(witness=seen.witness, subject=f"{seen.host}:{seen.port}", says=says),)


# Labels that change with every rollout or pod, or are the probe's own: a rule by them would hold for a day.
_PASSING = frozenset({
    "pod-template-hash", "controller-revision-hash", "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index",
})  # fmt: skip


def lasting_labels(scene: Scene) -> dict[str, str]:
    """The labels by which a rule can mean a client that was named; none of a probe that stands for anybody."""
    if scene.vantage.kind not in ("client", "stand-in"):
        return {}
    return {k: v for k, v in scene.vantage.labels if k not in _PASSING and not _shared(k, v)}
