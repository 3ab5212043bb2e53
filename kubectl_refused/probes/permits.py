"""What may be dialled: EndpointSlices are written by others, and a probe must be no weapon in their hands.

Without `--dial-any` only what belongs to the cluster is dialled: a live pod, a node, or the Service asked about;
never a loopback, link-local or multicast address or the API server's own (CVE-2020-8555 and CVE-2021-25740 are
what comes of trusting endpoints). An endpoint that names a pod must have that pod's address. A Service's address
leads to whatever its slices name: it is dialled where all of that may be, and never as another Service's endpoint.
An ExternalName that leads out of the cluster leads where whoever writes the answers of that name likes.
(The API server's own service proxy goes to addresses of pods only: isValidAddress in pkg/registry/core/service.)
In the normal case the objects that were read say so and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from urllib.parse import urlsplit

from msgspec import Struct, field

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import BULK, EARLY, HANDSHAKE, Dial, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import EndpointSlice, Service
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import HERE, Depth
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import namespaced
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.aliases import outside

from .all_permitted import unasked
from .base import ProbeContext
from .claims import API_SERVER, Claim, borne_out, claims_of, named_pod, of_slice, own_addresses, special
from .holder_reads import canonical, holders_of, known_holders

MOST_NAMED = 3  # addresses that one Gap names
REMEDY = "--dial-any"

Place = tuple[str, int]


class Permits:
    """Says which dials are not made. What was asked of the API server for it is remembered for the run."""

    def __init__(self) -> None:
        self._holders: dict[str, Holder | Gap] = {}
        self._servers: frozenset[Place] | None = None

    def refusals(self, needs: Iterable[Need], context: ProbeContext) -> dict[Need, Gap]:
        """A Gap for every dial that must not be made; those of one Service with one reason share it.

        Raises what ends a run.
        """
        needs = tuple(needs)
        sending = unasked(needs, context)
        return sending | self._strangers([need for need in needs if need not in sending], context)

    def _strangers(self, needs: Iterable[Need], context: ProbeContext) -> dict[Need, Gap]:
        """Those of addresses that may be anybody's."""
        dials: dict[Need, Dial] = {need: _dial(need) for need in needs if need.fact in (HANDSHAKE, EARLY, BULK)}
        dials = {need: dial for need, dial in dials.items() if not _typed(dial, context)}
        if not dials or context.settings.dial_any or context.settings.depth is Depth.NONE:
            return {}
        case = _Case(context.snapshot, claims_of(context.snapshot))
        known = known_holders(context)
        unsettled = [one for one in case.unsettled(dials.values()) if one not in known]
        self._ask(unsettled, context)
        asked = frozenset((canonical(dial.host) or dial.host, dial.port) for dial in dials.values())
        court = _Court(case, {**self._holders, **known}, self._servers or frozenset(_configured(context)), asked)
        refused = {need: gap for need, dial in dials.items() if (gap := court.refusal(dial))}
        return _shared(refused, {need: case.asker(dials[need]) for need in refused})

    def _ask(self, addresses: Sequence[str], context: ProbeContext) -> None:
        """Learn whose the addresses are that the objects leave open, and where the API server is."""
        unknown = [one for one in addresses if one not in self._holders]
        if unknown:
            self._holders.update(holders_of(context, unknown))
        if addresses and self._servers is None:
            self._servers = frozenset((*_configured(context), *_published(context)))


class _Case(Struct, frozen=True, dict=True):
    """What the objects that were read say of addresses."""

    snapshot: Snapshot
    claims: Mapping[str, Sequence[Claim]]

    @cached_property
    def services(self) -> dict[str, Service]:
        """The Services that were read, by their own addresses."""
        return {address: one for one in self.snapshot.services() for address in own_addresses(one)}

    @cached_property
    def leading(self) -> dict[tuple[str, str], list[Claim]]:
        """Claims that get traffic, by the Service that leads to them."""
        found: dict[tuple[str, str], list[Claim]] = {}
        for claim in (one for given in self.claims.values() for one in given if one.gets_traffic):
            found.setdefault(claim.service, []).append(claim)
        return found

    @cached_property
    def aliases(self) -> frozenset[str]:
        """Hosts outside that ExternalNames lead to, as they are dialled."""
        return frozenset(outside(one.spec.external_name or "") for one in self.snapshot.services()) - {""}

    def behind(self, service: Service) -> list[Claim]:
        """Where the Service's address may lead."""
        return self.leading.get((service.metadata.namespace, service.metadata.name), [])

    def asker(self, dial: Dial) -> tuple[tuple[str, str], ...]:
        """The Services on whose path the dial is: that of the address, those that claim it, or its aliases."""
        if dial.host in self.aliases:
            return ((dial.host, ""),)
        address = canonical(dial.host) or dial.host
        service = self.services.get(address)
        if service is not None:
            return ((service.metadata.namespace, service.metadata.name),)
        return tuple(sorted({claim.service for claim in self.claims.get(address, ())}))

    def unsettled(self, dials: Iterable[Dial]) -> list[str]:
        """Addresses that will be reached and that no pod which was read vouches for."""
        reached: dict[str, None] = {}
        for address in dict.fromkeys(canonical(dial.host) for dial in dials):
            service = self.services.get(address)
            reached |= dict.fromkeys((c.address for c in self.behind(service)) if service else (address,))
        return [one for one in reached if one and not self.vouched(one)]

    def vouched(self, address: str) -> bool:
        """Whether an endpoint's own pod has the address, or the API server published it."""
        claims = self.claims.get(address, ())
        return any(c.of_api_server or borne_out(c, self.snapshot) for c in claims)


class _Court(Struct, frozen=True):
    """Judges single dials once all is known that will be."""

    case: _Case
    holders: Mapping[str, Holder | Gap]
    servers: frozenset[Place]
    asked: frozenset[Place] = frozenset()
    worst: dict[tuple[str, str], tuple[Claim | None, Gap | None]] = field(default_factory=dict)
    vouched: dict[str, tuple[bool, bool]] = field(default_factory=dict)

    def refusal(self, dial: Dial) -> Gap | None:
        """Why the dial is not made, None where it may be."""
        address, shown = canonical(dial.host) or dial.host, place(dial.host, dial.port)
        service = self.case.services.get(address)
        if dial.host in self.case.aliases:
            return Gap(shown, "an ExternalName leads there, out of the cluster", REMEDY)
        if service is None:
            return self._of_address(shown, address, dial.port)
        claim, gap = self._worst_behind(service)
        if claim is None or gap is None or (claim.address, claim.port) in self.asked:
            return gap  # told with the endpoint's own dial
        return Gap(shown, f"leads to {claim.shown}, which {gap.because}", gap.remedy)

    def _worst_behind(self, service: Service) -> tuple[Claim | None, Gap | None]:
        """The first place that the Service leads to and that must not be dialled; found once for all its ports."""
        key = (service.metadata.namespace, service.metadata.name)
        if key not in self.worst:
            told = (
                (claim, self._of_address(claim.shown, claim.address, claim.port))
                for claim in self.case.behind(service)
            )
            self.worst[key] = next(((claim, gap) for claim, gap in told if gap), (None, None))
        return self.worst[key]

    def _of_address(self, shown: str, address: str, port: int) -> Gap | None:
        claims, holder = self.case.claims.get(address, ()), self.holders.get(address)
        kind = special(address)
        if kind:
            return Gap(shown, f"is {kind}", REMEDY)
        of_server, vouched = self._words_for(address, claims)
        if of_server:
            return None
        if (address, port) in self.servers or holder == Holder("Service", *API_SERVER):
            return Gap(shown, "is the API server's own address", REMEDY)
        if vouched:
            return None
        if holder is None or isinstance(holder, Gap):
            return _untold(shown, holder)
        says = self._against(claims, holder)
        return Gap(shown, says, REMEDY) if says else None

    def _words_for(self, address: str, claims: Sequence[Claim]) -> tuple[bool, bool]:
        """Whether the API server published the address, and whether anybody vouches for it; looked up once."""
        if address not in self.vouched:
            self.vouched[address] = (any(c.of_api_server for c in claims), self.case.vouched(address))
        return self.vouched[address]

    def _against(self, claims: Sequence[Claim], holder: Holder) -> str:
        """What speaks against an address of this holder; one claim that does not name another pod is enough."""
        if not holder.kind:
            return "belongs to no pod, node or Service of the cluster"
        if holder.kind == "Service":
            return f"is the address of svc/{holder.name}, which may lead anywhere"
        forged = [c for c in claims if self._names_another(c, holder)]
        if not claims or len(forged) < len(claims):
            return ""
        named = forged[0].pod or ("", "")
        return (
            f"is pod/{named[1]} by slice {forged[0].slice[1]}, but belongs to {holder.kind.lower()}/{holder.name}"
        )

    def _names_another(self, claim: Claim, holder: Holder) -> bool:
        """Whether the endpoint names a pod that is not at this address; a host network pod is at its node's."""
        if claim.pod is None:
            return False
        if named_pod(claim, self.case.snapshot) is not None:
            return True  # it was read, and did not vouch
        return holder.kind == "Pod" and claim.pod != (holder.namespace, holder.name)


def _dial(need: Need) -> Dial:
    return Dial(need.subject.host, need.subject.port, need.subject.at)


def _typed(dial: Dial, context: ProbeContext) -> bool:
    """Whether a person typed the address and dials it from this machine: nobody else chose it."""
    target = context.target
    return target.kind == "Node" and dial.at == HERE and dial.host == target.host


def _untold(shown: str, why: Gap | None) -> Gap:
    """Nobody may tell whose the address is, so it is not dialled."""
    if why is None:
        return Gap(shown, "is no IP address", REMEDY)
    remedy = f"{why.remedy}, or {REMEDY}" if why.remedy else REMEDY
    return Gap(shown, f"is nobody's as far as can be told ({why.because})", remedy)


def _configured(context: ProbeContext) -> Iterator[Place]:
    """The API server's address as the kubeconfig has it, where that is no name."""
    at = urlsplit(context.connection.server)
    if at.hostname and canonical(at.hostname):
        yield canonical(at.hostname), at.port or 443


def _published(context: ProbeContext) -> Iterator[Place]:
    """The API server's addresses as it publishes them itself, where those may be read."""
    namespace, name = API_SERVER
    path = namespaced(namespace, "endpointslices", name, group="discovery.k8s.io/v1")
    try:
        part = decode(context.connection.get_bytes(path), EndpointSlice)
    except (Forbidden, NotFound, ApiProblem, OddObject):
        return
    yield from ((claim.address, claim.port) for claim in of_slice(part))


def _shared(refused: Mapping[Need, Gap], askers: Mapping[Need, object]) -> dict[Need, Gap]:
    """One Gap for all dials of a Service that share a reason: a slice of a thousand addresses is one line."""
    alike: dict[tuple[object, str, str], list[Need]] = {}
    for need, gap in refused.items():
        alike.setdefault((askers[need], gap.because, gap.remedy), []).append(need)
    told: dict[Need, Gap] = {}
    for (_, because, remedy), needs in alike.items():
        names = list(dict.fromkeys(refused[need].what for need in needs))
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        gap = Gap(", ".join(names[:MOST_NAMED]) + more, f"{because}, so it was not dialled", remedy)
        told.update((need, gap) for need in needs)
    return told
