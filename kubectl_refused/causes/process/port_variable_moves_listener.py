"""A PORT variable makes the app listen elsewhere than its containerPort says.

Why it refuses:
    Many frameworks and platforms take the port from the variable PORT (HTTP_PORT, SERVER_PORT). The container's
    ports and the Service's targetPort agree with each other and not with it: no socket is bound where packets
    go, and the kernel answers RST. Changing the targetPort would work too, and leave three places at odds.
Confirm:
    kubectl exec POD -- sh -c 'echo $PORT; cat /proc/net/tcp'
Fix:
    Set the variable to the containerPort.
See:
    https://cloud.google.com/run/docs/container-contract#port
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import container_change
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Container, EnvironmentVariable, Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.containers import containers, said_listeners
from kubectl_refused.trace.proofs import field, packet, sockets
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.sockets import Standing, reachable_ports, standing

# Variables that are customarily the server's own port; ADMIN_PORT and DB_PORT are not.
_OWN = lazily(r"(?:(?:HTTP|HTTPS|SERVER|APP|LISTEN|LISTENING|WEB|API|SERVICE|ASPNETCORE_HTTP)_)?PORTS?")


@cause(
    "KR424",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces={Symptom.RST, Symptom.OTHER_PORT},
    since="0.2",
    needs_symptom=True,
)
def port_variable_moves_listener(scene: Scene) -> Iterator[Finding]:
    """Yield when nothing listens on the containerPort aimed at, and a socket does on what a variable says."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome is not Outcome.REFUSED:
        return
    aimed = handshake.port
    moved = [pair for pair in _variables(pod, aimed) if pair[1].value != str(aimed)]
    if not moved:
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    mine = app_sockets(pod, listeners.sockets)
    if standing(mine, handshake.host, aimed) is not Standing.ABSENT:
        return
    open_ports = reachable_ports(mine, handshake.host)
    for container, variable in moved:
        if int(variable.value or 0) not in open_ports:
            continue
        told = f"{variable.name}={variable.value}"
        subject = f"pod/{pod.metadata.name}"
        said = field(
            scene, subject, "spec.containers[].env", variable.value, f"container {container.name} has {told}"
        )
        declared = field(scene, subject, "spec.containers[].ports", aimed, f"it declares containerPort {aimed}")
        yield Finding(
            where=f"container {container.name} of {subject}",
            says=f"containerPort and targetPort are {aimed}; with {told} the app listens on {variable.value}",
            headline=f"{told} makes the app listen there, containerPort and targetPort are {aimed}",
            evidence=(said, declared, sockets(pod, listeners), packet(scene, handshake)),
            fix=container_change(
                scene,
                pod,
                container.name,
                f"Set {variable.name} to {aimed}",
                {"env": [{"name": variable.name, "value": str(aimed)}]},
            ),
        )
        return


def _variables(pod: Pod, aimed: int) -> Iterator[tuple[Container, EnvironmentVariable]]:
    """Port variables of containers that declare the port aimed at; none whose flags name a port: those decide."""
    for container in containers(pod):
        if not any(p.container_port == aimed for p in container.ports or ()) or any(said_listeners(container)):
            continue
        for variable in container.env or ():
            if (
                _OWN.fullmatch(variable.name)
                and (variable.value or "").isdecimal()
                and len(variable.value or "") < 6
            ):
                yield container, variable
