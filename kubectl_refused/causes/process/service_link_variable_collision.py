"""A variable that Kubernetes makes for a Service is taken for the app's own.

Why it refuses:
    For each Service of the namespace that is older than the pod, the kubelet sets variables of Docker's old links:
    Service `web` makes WEB_PORT=tcp://10.96.0.7:80 and others. An app that reads WEB_PORT as its own setting
    expects a number, and exits, or runs on without listening.
Confirm:
    kubectl logs POD -c CONTAINER [--previous]    # tcp://10.96.0.7:80, where a number is expected
Fix:
    Set enableServiceLinks: false in the pod's template, set the variable itself, or call the Service otherwise.
See:
    https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import change, named, workload_of
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, LOG, SERVICES_IN, WORKLOAD, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.bind_failures import Failed, failed_binds
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.log_reasons import BindFailure
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.service_links import Link, links, misread


@cause(
    "KR414",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, LOG, SERVICES_IN, WORKLOAD},
    produces={Symptom.CRASH, Symptom.NO_LISTENER},
    since="0.2",
    needs_symptom=True,
)
def service_link_variable_collision(scene: Scene) -> Iterator[Finding]:
    """Yield when a server that is down, or does not listen, took the address of a Service for a setting."""
    pod = scene.pod
    if pod is None or scene.from_files or pod.spec.enable_service_links is False:
        return

    def find(lines: Sequence[str]) -> BindFailure | None:
        line = misread(lines)
        return BindFailure(line, ()) if line else None

    for failed in failed_binds(scene, pod, find):
        link = _link(scene, pod, failed)
        if link is not None:
            yield _finding(scene, pod, failed, link)


def _link(scene: Scene, pod: Pod, failed: Failed) -> Link | None:
    """The Service whose very address the log quotes, unless the container sets that variable itself."""
    own = {e.name for c in containers(pod) if c.name == failed.container for e in c.env or ()}
    services = scene.maybe(SERVICES_IN, NamespaceKey(pod.metadata.namespace))
    known = services if services is not None else (scene.service,) if scene.service else ()
    return next((k for k in links(known) if k.quoted_in(failed.failure.line) and k.variable not in own), None)


def _finding(scene: Scene, pod: Pod, failed: Failed, link: Link) -> Finding:
    says = f"a Service of that name makes {link.variable}={link.value} in every pod that is younger"
    return Finding(
        where=f"container {failed.container} of pod/{pod.metadata.name}",
        says=f"container {failed.container} expects a number; {link.variable} is {link.value}",
        headline=f"the app takes {link.variable}, which Service {link.service} makes, for its own setting",
        certainty=failed.certainty,
        evidence=(*failed.evidence, field(scene, f"service/{link.service}", "metadata.name", link.service, says)),
        fix=_fix(scene, pod),
    )


def _fix(scene: Scene, pod: Pod) -> Fix:
    kind, metadata, _ = workload_of(scene, pod)
    summary = "Set enableServiceLinks: false"
    if kind == "Pod":
        where = named(kind, metadata.name)
        return Fix(summary=f"{summary} in the spec of {where}, which must be made anew", owner=where)
    patch = {"spec": {"template": {"spec": {"enableServiceLinks": False}}}}
    return change(scene, kind, metadata, summary=summary, patch=patch)
