"""Rules of another iptables on a node take the Service's address first.

Why it refuses:
    A kernel has two sets of iptables rules, legacy and nf_tables, and runs through both. A kube-proxy or a network
    plugin that once used the other one leaves its KUBE-SERVICES behind (an upgraded node image, another iptables
    in a container): they send the Service's address to pods of former times. Seen: with one legacy rule beside
    kube-proxy's own the address answered "host unreachable" after three seconds, while every pod answered at its
    own, and kube-proxy was well and said nothing. Reading the rules needs CAP_NET_ADMIN on the node: what is shown
    here is that some rule leads where nobody is, and that a well kube-proxy did not write it.
Confirm:
    iptables-legacy-save | grep KUBE-SERVICES; iptables-nft-save | grep KUBE-SERVICES    # on the node
Fix:
    Flush the rules of the iptables that kube-proxy does not use (iptables-legacy -t nat -F), or restart the node.
See:
    https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-iptables
    https://wiki.nftables.org/wiki-nftables/index.php/Legacy_xtables_tools
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LOG, PODS_IN
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field, packet
from kubectl_refused.trace.service_proxies import leads_astray, proxy_log, wrong_rules
from kubectl_refused.trace.statuses import condition
from kubectl_refused.trace.testimonies import log_said

# What iptables-nft says of itself wherever it finds the other's tables (iptables/nft-shared.c); kube-proxy repeats
# it where a call fails.
_OTHERS = "iptables-legacy tables present"


@cause(
    "KR302",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LOG, PODS_IN},
    produces={Symptom.SILENCE, Symptom.REJECT, Symptom.RST, Symptom.WRONG_RULES},
    since="0.2",
    needs_symptom=True,
)
def rules_of_two_backends(scene: Scene) -> Iterator[Finding]:
    """Yield when the address alone fails, a ready proxy stands there, and rules that are not its own show."""
    found = wrong_rules(scene)
    ready = condition(found.proxy, "Ready") if found else None
    if found is None or ready is None or ready.status != "True" or not leads_astray(found.entrance):
        return
    node, proxy, entrance, reached = found
    said = next(((name, line) for name, line in proxy_log(scene, proxy) if _OTHERS in line), None)
    name = proxy.metadata.name
    told = f"{name} of {node} is ready"
    proof: list[Evidence] = [packet(scene, entrance), packet(scene, reached[0])]
    proof += [field(scene, f"pod/{name}", "status.conditions", None, told)]
    proof += [log_said(proxy, said[0], said[1].strip(), previous=False)] if said else []
    yield Finding(
        where=f"node/{node}",
        says=f"on {node} a rule leads the Service's address where none of its endpoints is, and {name} is well",
        headline=f"rules of another iptables on {node} take the Service's address",
        certainty=Certainty.PROVED if said else Certainty.LIKELY,
        evidence=tuple(proof),
        fix=Fix(
            summary=f"Look for KUBE-SERVICES in both iptables of {node}, and flush the one kube-proxy does not use"
        ),
    )
