"""Pods wait for each other's names, which are there only once they are ready.

Why it refuses:
    A headless Service publishes the names of pods that are ready, and no others. Pods of a StatefulSet that find
    each other by name at their start (databases, brokers, anything that votes) wait for names which appear only
    once they have stopped waiting: none becomes ready, and the name resolves to nothing. (busybox's nslookup asks
    for a name with a dot as it stands, without a search list: of NAME.SERVICE it never finds anything.)
Confirm:
    kubectl logs POD    # NXDOMAIN, or "no such host", for the name of a pod that runs and is not ready
Fix:
    Set publishNotReadyAddresses: true in the headless Service, and give clients another one, without it.
See:
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#a-aaaa-records
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import LOG
from kubectl_refused.model.objects import Pod, Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.name_service import ready
from kubectl_refused.trace.proofs import field, service_subject
from kubectl_refused.trace.statuses import reported
from kubectl_refused.trace.testimonies import log_lines, log_said

MOST_PODS, MOST_CHARACTERS = 3, 400
# Words of resolvers and languages for a name that is not there.
_NOT_FOUND = lazily(
    r"NXDOMAIN|can'?t (?:find|resolve)|could ?n[o']t (?:be )?(?:find|resolve)|no such host|not known|bad address"
    r"|ENOTFOUND|EAI_NONAME|Unknown ?Host|Name or service|nodename nor|no address assoc|failed to resolve",
    re.IGNORECASE,
)
# nslookup says which name it asked for: one that is not whole is in no zone, ready pods or not.
_ABSOLUTE = lazily(r"server can'?t find ", re.IGNORECASE)


@cause(
    "KR114",
    scope=Scope.ROUTE,
    reads={LOG},
    produces={Symptom.NOT_READY, Symptom.NO_LISTENER, Symptom.RST, Symptom.NO_ENDPOINTS},
    since="0.2",
    needs_symptom=True,
)
def names_wait_for_ready_pods(scene: Scene) -> Iterator[Finding]:
    """Yield when a pod that is not ready says in its log that it cannot find such a pod by this Service's name."""
    service = scene.service
    if service is None or scene.from_files or service.spec.cluster_ip != "None":
        return
    if service.spec.publish_not_ready_addresses or not service.spec.selector or scene.ready_endpoints:
        return
    waiting = [pod for pod in scene.pods if not ready(pod) and pod.metadata.deletion_timestamp is None]
    for pod in waiting[:MOST_PODS]:
        for container in reported(pod):
            if not container.status.state.running:
                continue
            lines = log_lines(scene, pod, container.status.name, previous=False)
            line = _missed(scene, service, waiting, lines)
            if line:
                yield _finding(scene, pod, container.status.name, line)
                return


def _missed(scene: Scene, service: Service, waiting: list[Pod], lines: tuple[str, ...]) -> str:
    """The last line that misses the name of the Service, or of a pod behind it that is not ready."""
    name, space = (re.escape(text) for text in (service.metadata.name, scene.target.namespace))
    host = re.compile(rf"(?<![\w.-])(?:([\w-]{{1,63}})\.)?{name}(?:\.{space}(?:\.svc[\w.-]{{0,100}})?)?(?![\w-])")
    pods = {pod.metadata.name for pod in waiting}
    for line in reversed(lines):
        cut = line.strip()[:MOST_CHARACTERS]
        if _ABSOLUTE.search(cut) and ".svc." not in cut:
            continue
        if _NOT_FOUND.search(cut) and any(not who or who in pods for who in host.findall(cut)):
            return one_line(cut)
    return ""


def _finding(scene: Scene, pod: Pod, container: str, line: str) -> Finding:
    name, told = scene.target.name, f"svc/{scene.target.name} publishes the names of ready pods only"
    return Finding(
        where=f"svc/{name}",
        says=f"pod/{pod.metadata.name} looks for a name of svc/{name} before any of its pods is ready",
        headline="its pods wait for each other's names, which are there only once they are ready",
        evidence=(
            log_said(pod, container, line, previous=False),
            field(scene, service_subject(scene), "spec.publishNotReadyAddresses", False, told),
            field(
                scene,
                f"pod/{pod.metadata.name}",
                "status.conditions",
                "False",
                f"{pod.metadata.name} is not ready",
            ),
        ),
        fix=service_change(scene, "Set publishNotReadyAddresses: true", {"publishNotReadyAddresses": True}),
    )
