"""Where the client dials is kept in a Secret, which is not read.

Why it refuses:
    It need not: the Service accepts from where the client stands. But no variable that could be read names its
    address, and one that may is in a Secret (valueFrom.secretKeyRef, envFrom.secretRef). A wrong host or port in
    it would look just like this. Secrets are never read here, whatever one may do.
Confirm:
    kubectl exec CLIENT -- env    # which host and port the client is told
Fix:
    Compare host and port with the Service's name and ports; keep only the password in the Secret.
See:
    https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-environment-variables
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix, PacketEvidence
from kubectl_refused.model.facts import CONFIG_MAP, HANDSHAKE, PODS_IN
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.client_pods import client_maps, client_pod, is_target
from kubectl_refused.trace.client_settings import Kept, addresses, kept_in_secrets, speaks_of
from kubectl_refused.trace.proofs import field, packet

# Names of variables that hold an address, as a rule.
_ADDRESS = lazily(
    r"(?:^|_)(?:URL|URI|DSN|HOST|HOSTNAME|SERVERS?|ADDR|ADDRESS|ENDPOINT|UPSTREAM|PORT|BROKERS?)(?:_|$)",
    re.IGNORECASE,
)

_CREDENTIAL = lazily(r"PASS|TOKEN|SECRET|USER|KEY|CERT|LOGIN", re.IGNORECASE)


@cause(
    "KR115", scope=Scope.ROUTE, reads={CONFIG_MAP, HANDSHAKE, PODS_IN}, since="0.2", needs_symptom=True, note=True
)
def client_setting_in_secret(scene: Scene) -> Iterator[Finding]:
    """Yield when the Service accepts the client, and only a Secret may tell which address the client dials."""
    dial = scene.entrance_dial
    pod = client_pod(scene) if dial and not scene.from_files else None
    kept = [one for one in kept_in_secrets(pod) if _may_tell(scene, one)] if pod else []
    if (
        pod is None
        or not kept
        or any(is_target(scene, one.host) for one in addresses(pod, client_maps(scene, pod)))
    ):
        return
    accepted = scene.maybe(HANDSHAKE, dial)
    if accepted is not None and accepted.outcome is Outcome.ACCEPTED:
        yield _finding(scene, pod, kept[0], packet(scene, accepted))


def _may_tell(scene: Scene, kept: Kept) -> bool:
    if not kept.name or _ADDRESS.search(kept.name):
        return True
    return speaks_of(kept.name, scene.target.name) and not _CREDENTIAL.search(kept.name)


def _finding(scene: Scene, pod: Pod, kept: Kept, accepted: PacketEvidence) -> Finding:
    subject, secret = f"pod/{pod.metadata.name}", f"secret/{kept.secret}"
    what = f"the value of {kept.name} is in {secret}" if kept.name else f"all of {secret} are variables of it"
    path = f"spec.containers[{kept.container}].{f'env[{kept.name}]' if kept.name else 'envFrom'}"
    return Finding(
        where=f"container {kept.container} of {subject}",
        says=f"which address {subject} dials is not known: {what}, not read",
        certainty=Certainty.POSSIBLE,
        evidence=(field(scene, subject, path, secret, f"container {kept.container}: {what}"), accepted),
        fix=Fix(summary=f"Compare it with svc/{scene.target.name}: kubectl exec {pod.metadata.name} -- env"),
    )
