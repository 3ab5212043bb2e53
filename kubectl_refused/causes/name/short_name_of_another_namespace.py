"""The client names the Service by its short name, from another namespace.

Why it refuses:
    A name without a dot is looked for in the client's own namespace, by its search list: `web` from namespace far
    is web.far.svc. There is no such name, or worse, another Service that is called so. The Service's own address
    works, and so does its name with the namespace.
Confirm:
    kubectl exec -n CLIENT_NAMESPACE CLIENT -- nslookup NAME    # NXDOMAIN, or an address that is not the Service's
Fix:
    Write NAME.NAMESPACE in the client's settings.
See:
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import container_change
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import LOOKUP, PODS_IN, WORKLOAD, NameKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Lookup
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.client_pods import client_pod
from kubectl_refused.trace.name_service import lookup_proof, unanswered
from kubectl_refused.trace.proofs import field


class _Word(Struct, frozen=True):
    """Where a client's spec names the Service: a variable's `name`, or empty for its command line."""

    container: str
    name: str
    value: str


@cause(
    "KR102",
    scope=Scope.ROUTE,
    reads={LOOKUP, PODS_IN, WORKLOAD},
    produces=Symptom.NO_NAME,
    since="0.2",
    needs_symptom=True,
)
def short_name_of_another_namespace(scene: Scene) -> Iterator[Finding]:
    """Yield when the client's own settings dial the bare name, which means something else where it runs."""
    home = scene.vantage.namespace
    if scene.service is None or scene.port is None or not home or home == scene.target.namespace:
        return
    pod = client_pod(scene)
    word = next(_words(pod, scene.target.name), None) if pod else None
    if pod is None or word is None:
        return
    lookup = scene.need(LOOKUP, NameKey(scene.target.name, scene.vantage.key))
    told = _means(scene, lookup, home)
    if not told:
        return
    whole = f"{scene.target.name}.{scene.target.namespace}"
    said = f"{word.name}={word.value}" if word.name else f"its command names {word.value}"
    subject = f"pod/{pod.metadata.name}"
    yield Finding(
        where=f"container {word.container} of {subject}",
        says=f"{said}; from namespace {home} {told}",
        headline=f"{scene.vantage.who} dials the short name {scene.target.name}, and from namespace {home} {told}",
        evidence=(
            field(
                scene, subject, f"spec.containers[{word.container}].env", word.value, f"{word.container}: {said}"
            ),
            lookup_proof(scene, lookup) if lookup.error else field(scene, subject, "", None, told),
        ),
        fix=_fix(scene, pod, word, whole),
    )


def _words(pod: Pod, name: str) -> Iterator[_Word]:
    """Where the spec dials the bare name: in a URL, before a port, or alone in a variable that holds a host."""
    dialled = re.compile(
        rf"(?:(?<=://)|(?<=@)|(?:^|(?<=[\s,;='\"])))({re.escape(name)})(?=:\d+\b)|(?<=://){re.escape(name)}(?=[/\s'\"?]|$)"
    )
    for container in pod.spec.containers or ():
        for entry in container.env or ():
            alone = entry.value == name and re.search(r"HOST|ADDR|URL|SERVER|UPSTREAM", entry.name, re.IGNORECASE)
            if entry.value and (alone or dialled.search(entry.value)):
                yield _Word(container.name, entry.name, entry.value)
        for part in (*(container.command or ()), *(container.args or ())):
            if found := dialled.search(part):
                yield _Word(container.name, "", found[0])


def _means(scene: Scene, lookup: Lookup, home: str) -> str:
    """What the bare name is where the client runs; empty where it is the Service, or DNS did not answer at all."""
    if lookup.error and not lookup.addresses:
        return "" if unanswered(lookup) else "there is no such name"
    mine = {scene.entrance, *(e.address for e in scene.endpoints)}
    spec = scene.service.spec if scene.service else None
    mine |= set((spec.cluster_ips if spec else None) or ())
    if not lookup.addresses or mine & set(lookup.addresses):
        return ""
    return f"that is another one, {lookup.addresses[0]}"


def _fix(scene: Scene, pod: Pod, word: _Word, whole: str) -> Fix:
    name = scene.target.name
    meant = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", whole, word.value, count=1)
    if not word.name:
        return Fix(summary=f"Write {whole} for {name} in the command of container {word.container}")
    entry = {"name": word.name, "value": meant}
    return container_change(scene, pod, word.container, f"Set {word.name} to {meant}", {"env": [entry]})
