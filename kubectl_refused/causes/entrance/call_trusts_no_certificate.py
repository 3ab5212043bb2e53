"""The caBundle of a webhook or an APIService holds no certificate.

Why it refuses:
    The API server calls by TLS only, and trusts what stands in caBundle. Where that is empty it trusts its own
    machine's authorities, none of which vouches for a name that ends in .svc; where it holds no certificate,
    nobody. The connection is made and broken off: "x509: certificate signed by unknown authority", or "unable to
    load root certificates". Often cert-manager's cainjector was to fill it in, and does not run.
Confirm:
    kubectl get validatingwebhookconfiguration NAME -o jsonpath='{.webhooks[*].clientConfig.caBundle}' | base64 -d
Fix:
    Put the certificate of the authority that signed the server's own into caBundle, in PEM and base64.
See:
    https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.entrances import Call
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.registrations import APIService
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entrances import entrance_subject
from kubectl_refused.trace.proofs import field

_PEM = b"-----BEGIN CERTIFICATE-----"


@cause("KR862", scope=Scope.ENTRANCE, since="0.3")
def call_trusts_no_certificate(scene: Scene) -> Iterator[Finding]:
    """Yield when the bundle is empty (then a machine's own authority might still vouch), or is no PEM."""
    call = scene.door
    if not isinstance(call, Call) or call.kind != "Service" or _trusts_anybody(call):
        return
    fault = _fault(call.ca_bundle)
    if not fault:
        return
    subject = entrance_subject(call.owner)
    path = "spec.caBundle" if isinstance(call.owner, APIService) else f"{call.field.rpartition('.')[0]}.caBundle"
    injected = [key for key in call.owner.metadata.annotations or {} if key.startswith("cert-manager.io/inject-")]
    waits = f", and {injected[0]} says that cert-manager was to fill it in" if injected else ""
    yield Finding(
        where=f"{subject}, {call.rule}",
        says=f"caBundle of {call.rule} {fault}{waits}",
        headline=f"its caBundle {fault}",
        certainty=Certainty.PROVED if call.ca_bundle else Certainty.LIKELY,
        evidence=(field(scene, subject, path, bool(call.ca_bundle), f"{path} {fault}{waits}"),),
        fix=Fix(
            summary="See why cert-manager's cainjector does not fill in caBundle"
            if injected
            else f"Put the certificate of the authority that signed svc/{call.service}'s own into caBundle"
        ),
    )


def _trusts_anybody(call: Call) -> bool:
    return isinstance(call.owner, APIService) and bool(call.owner.spec.insecure_skip_tls_verify)


def _fault(bundle: str | None) -> str:
    """What is wrong with the bundle, empty where it holds a certificate."""
    if not bundle:
        return "is empty"
    try:
        text = base64.b64decode(bundle, validate=True)
    except (ValueError, binascii.Error):
        return "is no base64"
    if _PEM in text:
        return ""
    return "holds a key, and no certificate" if b"PRIVATE KEY" in text else "holds no certificate"
