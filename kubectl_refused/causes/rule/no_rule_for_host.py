"""No rule names the URL's host, and one names a host that is nearly the same.

Why it refuses:
    A controller serves the hosts that rules name, each as it is written. Another one meets its default answer
    (404), or where DNS does not know the name either, nothing at all: the client has no address to connect to.
Confirm:
    kubectl get ingress,httproute -A    # HOSTS, HOSTNAMES
Fix:
    Ask for the host that is there, or write the one you ask for into a rule (and into DNS).
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#name-based-virtual-hosting
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import ADDRESSED
from kubectl_refused.trace.entrances import all_doors
from kubectl_refused.trace.proofs import field, nearest_miss
from kubectl_refused.trace.urls import nearest_host, owned


@cause("KR815", scope=Scope.ENTRANCE, produces=Symptom.NO_NAME, since="0.3")
def no_rule_for_host(scene: Scene) -> Iterator[Finding]:
    """Yield when a URL was led to the entrance that names the nearest host, as none names its own."""
    target = scene.target
    if scene.door is not None or not target.host or target.kind in ADDRESSED:
        return
    doors = all_doors(target, scene.snapshot)
    meant = None if owned(doors, target.host) else nearest_host(doors, target.host)
    if meant is None:
        return
    door = next(one for one in doors if one.host == meant)
    says = f"no rule names {target.host}, and {target} names {meant}"
    yield Finding(
        where=str(target),
        says=says,
        headline=f"no Ingress or route names the host {target.host}; {meant} is named",
        evidence=(
            field(scene, str(target), door.field, meant, f"{target} has rules for {meant}"),
            nearest_miss(scene, str(target), "host", target.host, meant, f"{meant} is the nearest host"),
        ),
        fix=Fix(summary=f"Ask for {meant}, or write {target.host} into a rule"),
    )
