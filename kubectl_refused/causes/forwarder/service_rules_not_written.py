"""The service proxy of a node fails to write its rules.

Why it refuses:
    kube-proxy hands all of its rules to iptables-restore (or nft) at once. Where that program fails (a rule of
    somebody else's that it cannot read, a kernel module that is missing, two versions of iptables) nothing is
    written, and it tries again for ever: Services and endpoints of before go on working, each later change is
    lost. Seen with kube-proxy in iptables mode: an old Service answered, a new one timed out, and the log said
    "Failed to execute iptables-restore" every 30 seconds, while kube-proxy itself went on running.
Confirm:
    kubectl logs -n kube-system -l k8s-app=kube-proxy --prefix | grep -A4 "Failed to execute\\|Sync failed"
Fix:
    Mend what iptables-restore complains of on that node, then restart its kube-proxy; or restart the node.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-the-kube-proxy-working
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LOG, PODS_IN
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.service_proxies import SYSTEM, proxy_log, wrong_rules
from kubectl_refused.trace.testimonies import log_said

# kube-proxy's words (pkg/proxy/iptables/proxier.go, seen on 1.34) and those of the program it runs.
_FAILED = lazily(r"Failed to execute iptables-restore|\"Sync failed\"|Couldn't load target")
_REASON = lazily(r"Couldn't load |iptables-restore(?:: | v\d)|exit status \d")


@cause(
    "KR303",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LOG, PODS_IN},
    produces={Symptom.SILENCE, Symptom.REJECT, Symptom.RST, Symptom.WRONG_RULES},
    since="0.2",
    needs_symptom=True,
)
def service_rules_not_written(scene: Scene) -> Iterator[Finding]:
    """Yield when only the Service's address fails and the log of the node's proxy says that it writes no rules."""
    found = wrong_rules(scene)
    if found is None:
        return
    node, proxy, entrance, reached = found
    lines = list(proxy_log(scene, proxy))
    failed = next(((container, line) for container, line in lines if _FAILED.search(line)), None)
    if failed is None:
        return
    reason = next((line.strip() for _, line in lines if _REASON.search(line)), "")
    proof: list[Evidence] = [log_said(proxy, failed[0], failed[1].strip(), previous=False)]
    proof += [log_said(proxy, failed[0], reason, previous=False)] if reason and reason not in failed[1] else []
    yield Finding(
        where=f"node/{node}",
        says=f"{proxy.metadata.name} cannot write its rules on {node}: changes of Services are lost there",
        headline=f"the service proxy of {node} fails to write its rules",
        evidence=(*proof, packet(scene, entrance), packet(scene, reached[0])),
        fix=_fix(scene, node, proxy),
    )


def _fix(scene: Scene, node: str, proxy: Pod) -> Fix:
    line = command(scene, "delete", "pod", proxy.metadata.name, namespace=SYSTEM)
    return Fix(
        summary=f"Mend what its log complains of on {node}, then restart {proxy.metadata.name}", command=line
    )
