"""The entrance has rules for the URL's host, and none of them takes its path.

Why it refuses:
    A request goes to the rule with the most exact host and path. Where the host has rules and none takes the
    path, the controller answers itself (404): the Services behind the other paths never see it. Exact takes that
    path alone, and Prefix takes whole elements: /cart takes /cart/items and not /carts.
Confirm:
    kubectl describe ingress NAME    # the paths under the host
Fix:
    Ask for a path that a rule takes, or add a rule.
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
    https://gateway-api.sigs.k8s.io/reference/spec/#httppathmatch
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.entrances import Door
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entrances import all_doors, doors_of
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss
from kubectl_refused.trace.urls import owned

MOST_NAMED = 5


@cause("KR813", scope=Scope.ENTRANCE, since="0.3")
def no_rule_for_path(scene: Scene) -> Iterator[Finding]:
    """Yield when a URL was asked about and the entrance has doors for its host, but none for its path."""
    target = scene.target
    if scene.door is not None or not target.host or doors_of(target, scene.snapshot):
        return
    mine = owned(all_doors(target, scene.snapshot), target.host)
    if not mine:
        return
    paths = list(dict.fromkeys(door.path or "/" for door in mine))
    meant = nearest(target.path, paths)
    listed = ", ".join(_told(door) for door in mine[:MOST_NAMED])
    says = f"host {target.host} has rules for {listed}, and none takes {target.path}"
    evidence: list[Evidence] = [field(scene, str(target), mine[0].field, paths[:MOST_NAMED], says)]
    if meant:
        told = f"{meant} is the nearest path"
        evidence.append(nearest_miss(scene, str(target), "path", target.path, meant, told))
    yield Finding(
        where=str(target),
        says=says,
        headline=f"no rule for {target.host} takes {target.path}",
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"Ask for {meant}, or add a rule for {target.path}"
            if meant
            else f"Add a rule for {target.path}"
        ),
    )


def _told(door: Door) -> str:
    return (door.path or "/") + (" (Exact)" if door.exact else "")
