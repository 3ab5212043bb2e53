"""The host outside that an ExternalName leads to does not accept connections.

Why it refuses:
    An ExternalName is an alias in DNS and nothing else: the client dials the host itself, at the very port it was
    told, for targetPort translates nothing there. Whether it accepts is that host's matter, or that of the
    firewalls before it, which often let a cluster's nodes in by their addresses only. An RST may be theirs too.
Confirm:
    kubectl run -it --rm --restart=Never --image=busybox dial -- nc -v -w 3 EXTERNAL_NAME PORT
Fix:
    Have that host, and the firewalls before it, accept the port from the cluster; or name another host or port.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#externalname
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, POLICIES_IN, Fact, NameKey, NamespaceKey
from kubectl_refused.model.objects import NetworkPolicy
from kubectl_refused.model.observation import Handshake, Lookup, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.name_service import lookup_proof, unanswered
from kubectl_refused.trace.policies import selecting
from kubectl_refused.trace.proofs import field, packet, service_subject
from kubectl_refused.trace.questions import dns_name

T = TypeVar("T")
_DROPPED = (Outcome.TIMEOUT, Outcome.REJECTED, Outcome.DENIED, Outcome.UNREACHABLE)
# What is said of HOST and PORT, the headline behind "probably".
_SAYS = {
    Outcome.REFUSED: "{host}, outside of the cluster, refuses port {port}",
    Outcome.TIMEOUT: "{host}, outside of the cluster, gives no answer on port {port}",
    Outcome.RESET: "{host}, outside of the cluster, closes port {port} at once",
    Outcome.UNRESOLVED: "no DNS server answers for {host}, outside of the cluster",
    Outcome.DENIED: "this side lets nothing out to {host}, port {port}, outside of the cluster",
}
_WHY = {
    Outcome.REFUSED: "nothing listens on port {port} of {host}, outside of the cluster",
    Outcome.TIMEOUT: "a firewall before {host}, outside of the cluster, drops port {port}",
    Outcome.RESET: "{host}, outside of the cluster, turns the cluster's connections away",
    Outcome.REJECTED: "a firewall before {host}, outside of the cluster, rejects port {port}",
    Outcome.UNREACHABLE: "no route leads to {host}, outside of the cluster",
}
_OTHER = "{host}, outside of the cluster, does not let in port {port}"


@cause(
    "KR113",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LOOKUP, POLICIES_IN},
    produces={Symptom.RST, Symptom.SILENCE, Symptom.REJECT},
    since="0.2",
    needs_symptom=True,
)
def external_host_does_not_accept(scene: Scene) -> Iterator[Finding]:
    """Yield when a host outside was dialled, as `--dial-any` lets it, and did not accept."""
    if scene.alias_port is None:
        return
    seen = _had(scene, HANDSHAKE, scene.entrance_dial)
    if seen is None or seen.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.UNTRIED):
        return
    lookup = _had(scene, LOOKUP, NameKey(dns_name(scene), scene.vantage.key))
    if seen.outcome is Outcome.UNRESOLVED and lookup and not lookup.addresses and not unanswered(lookup):
        return  # the name leads nowhere, which is another fault
    closing = _egress_policies(scene, seen)
    named = {"host": seen.host.rstrip("."), "port": seen.port}
    says = _SAYS.get(seen.outcome, _OTHER)
    yield Finding(
        where=place(seen.host, seen.port),
        says=says.format(**named),
        headline=_blamed(closing) + _WHY.get(seen.outcome, says).format(**named),
        # Nobody can look into that host: whether it, a firewall or a policy says so stays open.
        certainty=Certainty.LIKELY,
        evidence=(*_proofs(scene, seen, lookup), *_policy_proof(scene, closing)),
        fix=Fix(summary=_mended(scene, seen)),
    )


def _had(scene: Scene, fact: Fact[T], subject: object) -> T | None:
    """What every scene of an alias asks (questions.py): no cause asks it where nothing may be dialled."""
    return scene.maybe(fact, subject) if scene.facts.get(fact, subject) is not None else None


def _proofs(scene: Scene, seen: Handshake, lookup: Lookup | None) -> Iterator[Evidence]:
    alias = scene.service.spec.external_name if scene.service else ""
    leads = f"externalName is {alias}"
    if lookup and lookup.addresses:
        leads += f", which resolves to {', '.join(lookup.addresses[:3])} from {scene.vantage}"
    yield field(scene, service_subject(scene), "spec.externalName", alias, leads)
    if lookup and lookup.error and not lookup.addresses:
        yield lookup_proof(scene, lookup)
    yield packet(scene, seen)
    other = _other_port(scene)
    if other:
        says = f"targetPort {other} of port {seen.port} is not used: an ExternalName maps no ports"
        yield field(scene, service_subject(scene), "spec.ports", other, says)


def _other_port(scene: Scene) -> int | None:
    """The port that somebody believed the dial is translated to."""
    listed = (scene.service.spec.ports if scene.service else None) or ()
    meant = next((p.target_port for p in listed if p.port == scene.alias_port), None)
    return meant if isinstance(meant, int) and meant not in (0, scene.alias_port) else None


def _egress_policies(scene: Scene, seen: Handshake) -> tuple[NetworkPolicy, ...]:
    """Policies that may be what keeps the client in: one for egress closes the way to all but what it lists."""
    if seen.outcome not in _DROPPED or not scene.vantage.is_pod:
        return ()
    home = scene.vantage.namespace or scene.target.namespace
    policies = scene.maybe(POLICIES_IN, NamespaceKey(home)) or ()
    return selecting(policies, "Egress", home, dict(scene.vantage.labels))


def _blamed(closing: tuple[NetworkPolicy, ...]) -> str:
    return f"NetworkPolicy {closing[0].metadata.name} does not let it out, or " if closing else ""


def _policy_proof(scene: Scene, closing: tuple[NetworkPolicy, ...]) -> Iterator[Evidence]:
    if closing:
        names = ", ".join(p.metadata.name for p in closing)
        says = f"{names} selects {scene.vantage.who} for egress: that may be what does not let it out"
        yield field(scene, f"networkpolicy/{closing[0].metadata.name}", "spec.egress", None, says)


def _mended(scene: Scene, seen: Handshake) -> str:
    host, name = seen.host.rstrip("."), scene.target.name
    if seen.outcome is Outcome.UNRESOLVED:
        return f"Have {host} answered by the cluster's DNS, or point externalName of svc/{name} at a host that is"
    other = _other_port(scene)
    if other:
        return f"Dial svc/{name} at the port that {host} has, likely {other}: its ports are not translated"
    return (
        f"Have {host}, or the firewall before it, accept port {seen.port} from the cluster,"
        f" or point externalName of svc/{name} at a host that does"
    )
