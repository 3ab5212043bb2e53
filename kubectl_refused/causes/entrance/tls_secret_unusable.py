"""An Ingress names a TLS Secret that is not there, or that is of another type.

Why it refuses:
    The controller takes the certificate of a host from that Secret. Without it, it presents one of its own making
    (or none), which clients do not trust: the connection is accepted, and the handshake of TLS fails with an
    x509 error. Plain HTTP is not touched by it.
Confirm:
    kubectl get secret <name> -n <namespace>
Fix:
    Create the Secret from a certificate and its key, or name the one that is there. With cert-manager look at the
    Certificate that should make it.
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.entrances import Ingress, IngressTLS
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import SECRET_TYPE, SecretKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field

TLS_TYPE = "kubernetes.io/tls"
# Controllers read tls.crt and tls.key out of these too.
USABLE = (TLS_TYPE, "Opaque")


@cause("KR817", scope=Scope.ENTRANCE, reads={SECRET_TYPE}, since="0.5", note=True)
def tls_secret_unusable(scene: Scene) -> Iterator[Finding]:
    """Yield for the Secret of the door's own host, where one may be told its type."""
    ingress = scene.door.owner if scene.door else None
    if not isinstance(ingress, Ingress) or scene.door is None or scene.from_files:
        return
    space, subject = ingress.metadata.namespace, f"ingress/{ingress.metadata.name}"
    for number, entry in enumerate(ingress.spec.tls or ()):
        if not entry.secret_name or not _is_of(entry, scene.door.host):
            continue
        found = scene.maybe(SECRET_TYPE, SecretKey(space, entry.secret_name))
        if found is None or found.type in USABLE:
            continue
        path = f"spec.tls[{number}].secretName"
        what = f"is of type {found.type}, not {TLS_TYPE}" if found.type else f"is not in namespace {space}"
        says = f"secret/{entry.secret_name} {what}"
        hosts = ", ".join(entry.hosts or ()) or "its hosts"
        yield Finding(
            where=subject,
            says=f"{says}: clients of {hosts} meet a certificate that they do not trust",
            evidence=(field(scene, subject, path, entry.secret_name, says),),
            fix=_fix(entry.secret_name, space, found.type),
        )


def _is_of(entry: IngressTLS, host: str) -> bool:
    """Whether the entry is of a rule's host; a wildcard stands for its first label."""
    beside = f"*.{host.partition('.')[2]}"
    return not entry.hosts or not host or any(pattern in (host, beside) for pattern in entry.hosts)


def _fix(name: str, space: str, type_: str) -> Fix:
    if type_:
        return Fix(summary=f"Name a Secret of type {TLS_TYPE}, or put tls.crt and tls.key into one")
    return Fix(
        summary=f"Create secret/{name} from the certificate and its key",
        command=f"kubectl create secret tls {name} --cert=tls.crt --key=tls.key -n {space}",
    )
