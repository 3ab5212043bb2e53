"""The host's name does not resolve on this machine.

Why it refuses:
    Before anything is dialled the name is looked up, as every program of this machine does it: /etc/hosts,
    then the resolver of /etc/resolv.conf. No address came back, so no packet was sent. Names of a cluster's
    Services (NAME.NAMESPACE.svc) and of containers are known to their own DNS only, and not to the machine
    around them.
Confirm:
    getent ahosts HOST
Fix:
    Correct the name, or add it to the DNS that this machine asks, or to /etc/hosts.
See:
    https://man7.org/linux/man-pages/man3/getaddrinfo.3.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix, ObjectEvidence
from kubectl_refused.model.facts import LOOKUP, NameKey
from kubectl_refused.model.observation import Lookup
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.address_walk import LOCALHOST
from kubectl_refused.trace.aliases import is_address

# The resolver's own word that there is no such name; all else may be another's fault, and pass (getaddrinfo(3)).
_NO_SUCH_NAME = ("EAI_NONAME", "EAI_NODATA")


@cause("KR701", scope=Scope.ADDRESS, reads={LOOKUP}, produces=Symptom.NO_NAME, since="0.4")
def host_name_does_not_resolve(scene: Scene) -> Iterator[Finding]:
    """Yield when the resolver gives no address."""
    name = scene.target.name or LOCALHOST
    if is_address(name):
        return
    seen = scene.maybe(LOOKUP, NameKey(name, scene.vantage.key))
    if seen is None or seen.addresses:
        return
    certain = seen.error.startswith(_NO_SUCH_NAME)
    yield Finding(
        where=f"the name {name}",
        says=one_line(seen.error.partition(": ")[2] or seen.error or "no address"),
        headline=f"this machine's resolver {'knows no' if certain else 'gives no address for'} {name}",
        certainty=Certainty.PROVED if certain else Certainty.LIKELY,
        evidence=(_answer(seen),),
        fix=Fix(summary=_advice(name)),
    )


def _answer(seen: Lookup) -> ObjectEvidence:
    says = f"{seen.name}: {one_line(seen.error) or 'no address'}, after {seen.seconds:.1f} s"
    return ObjectEvidence(witness=seen.witness, subject=f"resolver, {seen.name}", says=says)


def _advice(name: str) -> str:
    labels = name.rstrip(".").split(".")
    if "svc" in labels[2:3]:
        inside = f"kubectl refused svc/{labels[0]} -n {labels[1]}"
        return f"Ask from inside the cluster, whose own DNS has this name: {inside}"
    if name == "host.docker.internal":
        return "Use it inside a container only, started with --add-host host.docker.internal:host-gateway on Linux"
    return f"Correct the name; getent ahosts {name} shows what this machine finds"
