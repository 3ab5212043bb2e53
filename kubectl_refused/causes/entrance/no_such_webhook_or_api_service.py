"""There is no webhook, webhook configuration or APIService of that name.

Why it refuses:
    It does not: what is not registered is not called. "failed calling webhook" names the webhook, which stands in
    a ValidatingWebhookConfiguration or MutatingWebhookConfiguration of often another name; an APIService is called
    VERSION.GROUP. A registration that is gone by now may have been there when the message was written.
Confirm:
    kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations,apiservices
Fix:
    Ask for it by the name in the error message, or of its configuration.
See:
    https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
    https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.registrations import APIService
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.calls import configurations, is_called
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss

_KINDS = {
    "Webhook": ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
    "APIService": ("APIService",),
}


@cause("KR861", scope=Scope.ENTRANCE, produces=Symptom.NO_NAME, since="0.3")
def no_such_webhook_or_api_service(scene: Scene) -> Iterator[Finding]:
    """Yield when nothing of that name is registered, with the nearest name; nothing where a kind was not read."""
    target, snapshot = scene.target, scene.snapshot
    if (
        scene.door is not None
        or not is_called(target)
        or not all(snapshot.read(k, "") for k in _KINDS[target.kind])
    ):
        return
    names = _names(scene)
    if target.name in names:
        return
    meant, word = nearest(target.name, names), target.kind.lower()
    says = f"{len(set(names))} are registered, and none is called {target.name}"
    evidence: list[Evidence] = [field(scene, str(target), "metadata.name", target.name, says)]
    if meant:
        told = f"{word}/{meant} is the nearest name"
        evidence.append(nearest_miss(scene, f"{word}/{meant}", "name", target.name, meant, told))
    yield Finding(
        where="the cluster",
        says=says,
        headline=f"there is no {'webhook' if target.kind == 'Webhook' else target.kind} {target.name}",
        evidence=tuple(evidence),
        fix=Fix(summary=f"Ask about {word}/{meant}" if meant else "Ask by the name in the API server's message"),
    )


def _names(scene: Scene) -> Sequence[str]:
    if scene.target.kind == "APIService":
        return [one.metadata.name for one in scene.snapshot.objects.values() if isinstance(one, APIService)]
    owners = list(configurations(scene.snapshot))
    return [o.metadata.name for o in owners] + [webhook.name for o in owners for webhook in o.webhooks or ()]
