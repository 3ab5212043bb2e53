"""A node's connection tracking has no room for another connection.

Why it refuses:
    Every connection that a node passes on, or opens itself, has an entry in its conntrack table. Once the table
    holds nf_conntrack_max entries that are not to be given up, packets that would open another one are dropped:
    existing connections go on, new ones get no answer. Seen with a table filled to its limit: new connections
    through that node timed out, and the drop counter rose.
Confirm:
    kubectl refused svc/NAME --from every-node --host-network    # reads the numbers without privilege
    cat /proc/sys/net/netfilter/nf_conntrack_{count,max}; dmesg | grep "table full"    # on the node
Fix:
    Raise nf_conntrack_max on that node (kube-proxy: conntrack.maxPerCore), and find who opens so many.
See:
    https://docs.kernel.org/networking/nf_conntrack-sysctl.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, NODE_SETTINGS
from kubectl_refused.model.observation import Handshake, NodeSettings, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.node_settings import node_of, setting_told, settings_of
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.rulings import suspects

# The count breathes: entries end while it is read.
_NEARLY = 0.98
_DROPPED = frozenset({Outcome.TIMEOUT, Outcome.DENIED})


@cause(
    "KR306",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, NODE_SETTINGS},
    produces=Symptom.SILENCE,
    since="0.2",
    needs_symptom=True,
)
def connection_table_full(scene: Scene) -> Iterator[Finding]:
    """Yield when a dial is dropped and a node on its way, by its own numbers, can track no more connections."""
    if scene.from_files or scene.port is None:
        return
    told: set[str] = set()
    for view in suspects(scene):
        seen = view.dialled
        if seen is None or seen.outcome not in _DROPPED or not seen.first_hand or view.endpoint is None:
            continue
        for node in dict.fromkeys((scene.vantage.node, node_of(view.endpoint))):
            settings = settings_of(scene, node) if node not in told else None
            if settings is not None and _full(settings):
                told.add(node)
                yield _finding(view, seen, node, settings)


def _full(settings: NodeSettings) -> bool:
    return bool(settings.most) and (settings.tracked or 0) >= _NEARLY * (settings.most or 0)


def _finding(scene: Scene, seen: Handshake, node: str, settings: NodeSettings) -> Finding:
    tracked, most, dropped = settings.tracked or 0, settings.most or 0, settings.dropped or 0
    says = f"its connection tracking holds {tracked} of at most {most} entries"
    more = f"{says}; {dropped} packets were dropped for want of room" if dropped else says
    return Finding(
        where=f"node/{node}",
        says=f"{node} takes no new connection: {says}",
        headline=f"{node} drops new connections: its connection tracking is full ({tracked} of {most})",
        certainty=Certainty.PROVED if tracked >= most or dropped else Certainty.LIKELY,
        evidence=(setting_told(node, settings, more), packet(scene, seen)),
        fix=Fix(
            summary=f"Raise net.netfilter.nf_conntrack_max on {node} above {most}, and find who opens so many"
        ),
    )
