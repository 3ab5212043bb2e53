"""An init container of the pod does not end.

Why it refuses:
    Init containers run one after the other, and the main containers start when the last of them has ended with
    success. One that waits for ever (for a database that is not there, or for the very Service whose pods it
    holds back) keeps the pod at Init:0/1, and no endpoint gets traffic.
Confirm:
    kubectl logs POD -c INIT-CONTAINER
Fix:
    Provide what it waits for, by its right name, or take out the wait. A wait for its own Service can never end.
See:
    https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#detailed-behavior
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import LOG, SERVICES_IN, WORKLOAD, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import mask, one_line
from kubectl_refused.trace.containers import command_line
from kubectl_refused.trace.nearest import ALIKE, nearest
from kubectl_refused.trace.proofs import field, nearest_miss
from kubectl_refused.trace.statuses import Reported, condition, reported, seconds
from kubectl_refused.trace.testimonies import log_lines, log_said

# Seconds: most init containers are done sooner, so a younger one may just be at work.
LONG = 20.0
# The kubelet forgets earlier exits of a container that has run for this long; till then it may crash again.
RESET = 600.0
MOST_CHARACTERS = 4000
# A host that a command asks for, behind the options of what asks.
_HOST = lazily(
    r"(?:://|\b(?:nslookup|hosts|ping|curl|wget|nc|telnet)(?:\s{1,4}-\S{1,20}(?:\s{1,4}\d{1,5})?){0,4}\s{1,4})"
    r"([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?![\w.-]|://)"
)


@cause(
    "KR210",
    scope=Scope.POD,
    reads={LOG, SERVICES_IN, WORKLOAD},
    produces=Symptom.NOT_READY,
    since="0.1",
    needs_symptom=True,
)
def init_container_unfinished(scene: Scene) -> Iterator[Finding]:
    """Yield for the init container that runs while its pod is not initialised; likely while it is young."""
    pod = scene.pod
    initialized = condition(pod, "Initialized") if pod else None
    if pod is None or (initialized and initialized.status == "True"):
        return
    sidecars = {c.name for c in pod.spec.init_containers or () if c.restart_policy == "Always"}
    for container in reported(pod):
        if not container.init or container.status.name in sidecars or not container.status.state.running:
            continue
        ran = _ran(scene, container)
        # One that has crashed before is a crash loop between two exits, until the kubelet forgets them.
        ended = container.status.last_state.terminated
        if ended is None or ended.exit_code == 0 or ran >= RESET:
            yield _finding(scene, pod, container, ran)
        return


def _ran(scene: Scene, container: Reported) -> float:
    """Seconds from its start to the reading of the objects; 0 where the start is not known."""
    running = container.status.state.running
    started = seconds(running.started_at) if running else None
    return max(0.0, scene.snapshot.taken - started) if started is not None else 0.0


def _finding(scene: Scene, pod: Pod, container: Reported, ran: float) -> Finding:
    command = _command(pod, container.status.name)
    circle = _names_target(scene, command)
    slip = None if circle else _misspelt(scene, pod, command)
    told = f"{container.shown} has run for {_lasting(ran)}" + (
        f" and waits for svc/{scene.target.name}, which waits for its pod" if circle else ""
    )
    return Finding(
        where=f"{container.shown} of pod/{pod.metadata.name}",
        says=f"{told}; no container after it starts",
        headline=f"{container.shown} "
        + (f"waits for svc/{scene.target.name} itself and never ends" if circle else "does not end")
        + (f": it waits for {slip[0]}, and the Service is called {slip[1]}" if slip else ""),
        certainty=Certainty.PROVED if ran >= LONG else Certainty.LIKELY,
        evidence=(*_evidence(scene, pod, container, command, ran), *([_miss(scene, *slip)] if slip else [])),
        fix=_fix(scene, pod, container, circle=circle, slip=slip),
    )


def _evidence(scene: Scene, pod: Pod, container: Reported, command: str, ran: float) -> Iterator[Evidence]:
    subject, name = f"pod/{pod.metadata.name}", container.status.name
    running = container.status.state.running
    yield field(
        scene,
        subject,
        f"{container.field}.state.running",
        running.started_at if running else None,
        f"{container.shown} has run for {_lasting(ran)}, and the pod is not initialised",
    )
    if command:
        shown = one_line(mask(command))
        yield field(scene, subject, f"spec.initContainers[{name}].command", shown, f"it runs {shown}")
    lines = [line for line in log_lines(scene, pod, name, previous=False) if line.strip()]
    if lines:
        yield log_said(pod, name, one_line(lines[-1]), previous=False)


def _misspelt(scene: Scene, pod: Pod, command: str) -> tuple[str, str] | None:
    """A host of the command that is no Service of the pod's namespace, and the Service nearly called so."""
    space = pod.metadata.namespace
    hosts = [host.split(".") for host in _HOST.findall(command[:MOST_CHARACTERS])]
    local = [parts[0] for parts in hosts if len(parts) == 1 or parts[1:3] in ([space], [space, "svc"])]
    services = scene.maybe(SERVICES_IN, NamespaceKey(space)) if local else ()
    names = [one.metadata.name for one in services or ()]
    wanted = next((name for name in local if name not in names), "")
    near = nearest(wanted, names, least=ALIKE) if wanted else None
    return (wanted, near) if near else None


def _miss(scene: Scene, wanted: str, near: str) -> Evidence:
    return nearest_miss(scene, f"service/{near}", "name", wanted, near, f"svc/{near} is the nearest name")


def _fix(scene: Scene, pod: Pod, container: Reported, *, circle: bool, slip: tuple[str, str] | None) -> Fix:
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    summary = f"Provide what {container.shown} waits for, or take out the wait"
    if slip:
        summary = f"Write {slip[1]} for {slip[0]} in the command of {container.shown}"
    if circle:
        summary = f"Take out the wait of {container.shown} for svc/{scene.target.name}: it waits for itself"
    return Fix(summary=f"{summary} ({owner})", owner=owner)


def _command(pod: Pod, name: str) -> str:
    """Its command and arguments; empty where the image's own command runs."""
    return next((command_line(c) for c in pod.spec.init_containers or () if c.name == name), "")


def _names_target(scene: Scene, command: str) -> bool:
    """Whether the command names the Service as a host: in a URL, before a port, or after a word that takes one.

    The name alone may be anything, a directory or a user.
    """
    if scene.service is None:
        return False
    full = rf"{re.escape(scene.target.name)}(?:\.{re.escape(scene.target.namespace)}(?:\.svc[\w.-]{{0,100}})?)?"
    before = r"://|(?:\b(?:nslookup|hosts|ping|curl)|\s-h|--host)[ =]"
    return bool(re.search(rf"(?:{before}){full}(?![\w.-])|(?<![\w./@-]){full}[: ]\d{{1,5}}\b", command))


def _lasting(ran: float) -> str:
    """`45 s`, `3 min`, `2 h`."""
    if ran < 120:
        return f"{ran:.0f} s"
    return f"{ran // 60:.0f} min" if ran < 7200 else f"{ran // 3600:.0f} h"
