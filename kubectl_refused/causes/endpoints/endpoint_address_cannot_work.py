"""An endpoint written by hand has an address that no connection can reach.

Why it refuses:
    kube-proxy rewrites the ClusterIP to the endpoint's address as it stands, once. Another Service's ClusterIP is
    not rewritten again; in the nftables mode it is rejected (ICMP port unreachable, measured). Loopback is the
    sender's own, link-local never leaves the link: API servers of today take neither into a slice. An address
    that no pod, node or Service has may be a host outside, or left over from a pod that is gone: then its old node
    answers that the host is unreachable. Such addresses are only dialled with --dial-any.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o wide
Fix:
    Write the address of a pod or host into the slice; another Service is better dialled itself.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.endpoint_slice import source_of_slice
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, HOLDER, AddressKey
from kubectl_refused.model.observation import Handshake, Holder, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.addresses import special
from kubectl_refused.trace.proofs import field, packet

MOST_ADDRESSES = 4
_UNANSWERED = (Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.REFUSED)


@cause(
    "KR218",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, HOLDER},
    produces={Symptom.REJECT, Symptom.SILENCE, Symptom.RST},
    since="0.2",
    needs_symptom=True,
)
def endpoint_address_cannot_work(scene: Scene) -> Iterator[Finding]:
    """Yield for endpoints without a pod that are no host's, a ClusterIP's, or nobody's and dead."""
    if scene.service is None or scene.service.spec.selector:
        return
    dialled = scene.entrance_dial is not None and not scene.from_files
    entrance = scene.maybe(HANDSHAKE, scene.entrance_dial) if dialled else None
    for endpoint in [e for e in scene.ready_endpoints if e.address and e.pod is None][:MOST_ADDRESSES]:
        kind = special(endpoint.address)
        seen = scene.at_endpoint(endpoint).dialled
        if kind:
            yield _finding(scene, endpoint, f"is {kind}", [])
        elif entrance is None or entrance.outcome is not Outcome.ACCEPTED:
            yield from _held(scene, endpoint, entrance, seen)


def _held(
    scene: Scene, endpoint: Endpoint, entrance: Handshake | None, seen: Handshake | None
) -> Iterator[Finding]:
    """By whom the address belongs to: a Service, or nobody who answers."""
    holder = scene.maybe(HOLDER, AddressKey(endpoint.address))
    if holder is None or endpoint.target_name:
        return
    if holder.kind == "Service":
        dials = [packet(scene, entrance)] if entrance else []
        yield _finding(scene, endpoint, f"is the ClusterIP of svc/{holder.name}", dials, holder)
    elif not holder.kind and seen is not None and seen.outcome in _UNANSWERED:
        sure = Certainty.PROVED if seen.outcome is Outcome.UNREACHABLE else Certainty.LIKELY
        says = "is no pod's, node's or Service's, and does not answer"
        yield _finding(scene, endpoint, says, [packet(scene, seen)], certainty=sure)


def _finding(
    scene: Scene,
    endpoint: Endpoint,
    says: str,
    dials: Sequence[Evidence],
    holder: Holder | None = None,
    *,
    certainty: Certainty = Certainty.PROVED,
) -> Finding:
    source = source_of_slice(scene, endpoint.slice_name)
    summary = f"Write the address of a pod or host into {source} instead of {endpoint.address}"
    if holder:
        host = f"{holder.name}.{holder.namespace}.svc"
        summary = f"Dial {host} itself, or write the addresses of its pods into {source}"
    told = f"{endpoint.address} {says}"
    return Finding(
        where=source,
        says=f"{endpoint.address}, listed in {source}, {says}",
        headline=f"its endpoint {told}",
        certainty=certainty,
        evidence=(field(scene, source, "endpoints[].addresses", endpoint.address, told), *dials),
        fix=Fix(summary=summary, owner=source),
    )
