"""What EndpointSlices claim: where a Service's traffic goes, and whose address that is said to be. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubectl_refused.model.objects import EndpointSlice, Pod, Service, SliceEndpoint
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL, Snapshot
from kubectl_refused.trace.addresses import special as special

from .holder_reads import canonical, pod_addresses

# The Service and its slice that the API server itself writes and keeps right (pkg/controlplane/reconcilers).
API_SERVER = ("default", "kubernetes")


class Claim(Struct, frozen=True):
    """One endpoint and port of a slice; `pod` is (namespace, name) as the endpoint names it, or None.

    `service` is (namespace, name) of the Service that the slice is of; its name may be empty.
    """

    address: str
    port: int
    pod: tuple[str, str] | None
    slice: tuple[str, str]
    gets_traffic: bool
    service: tuple[str, str] = ("", "")

    @property
    def shown(self) -> str:
        """ADDRESS:PORT."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def of_api_server(self) -> bool:
        """Whether the API server itself says so."""
        return self.slice == API_SERVER


def claims_of(snapshot: Snapshot) -> dict[str, list[Claim]]:
    """Every claim of the slices that were read, by address."""
    found: dict[str, list[Claim]] = {}
    for part in snapshot.objects.values():
        if isinstance(part, EndpointSlice):
            for claim in of_slice(part):
                found.setdefault(claim.address, []).append(claim)
    return found


def of_slice(part: EndpointSlice) -> Iterator[Claim]:
    """The claims of one slice; consumers use the first address of an endpoint (discovery/v1 types.go)."""
    ports = [offered.port or 0 for offered in part.ports or ()] or [0]
    key = (part.metadata.namespace, part.metadata.name)
    service = (part.metadata.namespace, (part.metadata.labels or {}).get(SERVICE_NAME_LABEL, ""))
    for entry in part.endpoints or ():
        for address in (entry.addresses or ())[:1]:
            for port in ports:
                given = (_pod(part, entry), key, _gets_traffic(entry), service)
                yield Claim(canonical(address) or address, port, *given)


def named_pod(claim: Claim, snapshot: Snapshot) -> Pod | None:
    """The pod that an endpoint names, where it was read."""
    found = snapshot.objects.get(("Pod", *claim.pod)) if claim.pod else None
    return found if isinstance(found, Pod) else None


def borne_out(claim: Claim, snapshot: Snapshot) -> bool:
    """Whether the pod that an endpoint names was read, is live and has that address."""
    pod = named_pod(claim, snapshot)
    return pod is not None and claim.address in pod_addresses(pod)


def own_addresses(service: Service) -> set[str]:
    """The Service's cluster addresses, and its load balancer's for which the nodes answer.

    The latter stand in the status, which people's roles do not let them write (unlike spec.externalIPs,
    CVE-2020-8554), and lead to the same endpoints.
    """
    given = [service.spec.cluster_ip or "", *(service.spec.cluster_ips or ())]
    ingress = service.status.load_balancer.ingress or ()
    given += [one.ip for one in ingress if one.ip and one.ip_mode != "Proxy" and not special(one.ip)]
    return {canonical(one) for one in given} - {""}


def _pod(part: EndpointSlice, entry: SliceEndpoint) -> tuple[str, str] | None:
    target = entry.target_ref
    if target is None or target.kind != "Pod":
        return None
    return (target.namespace or part.metadata.namespace, target.name)


def _gets_traffic(entry: SliceEndpoint) -> bool:
    """Ready, or the last resort of a Service that goes away (KEP-1669)."""
    conditions = entry.conditions
    return conditions.ready is not False or bool(conditions.serving and conditions.terminating)
