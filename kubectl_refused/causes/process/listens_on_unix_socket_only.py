"""The server listens on a UNIX socket, and on no TCP port.

Why it refuses:
    A UNIX socket is a file that only processes who share it can connect to; php-fpm, gunicorn, uwsgi and MySQL
    are often set up so behind a proxy in the same container. Nothing takes a SYN: the kernel answers RST.
Confirm:
    kubectl exec POD -- cat /proc/net/unix    # flags 00010000 is listening
Fix:
    Let the server listen on TCP too (`--bind 0.0.0.0:PORT`, `listen = 9000`), or add the proxy that speaks to it.
See:
    https://man7.org/linux/man-pages/man7/unix.7.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.candidate_ports import app_ports
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.runtimes import app_sockets, mesh_of

SHOWN = 3
# Where programs are steered or watched: these listen beside a server, also one that has died.
_CONTROL = lazily(
    r"supervisor|pm2|rpc\.sock|pub\.sock|dbus|docker|containerd|crio|systemd|journal|agent|/s6|admin|control|ctl|stats"
    r"|x11|vscode|nscd|gpg|ssh|debug|jmx|attach|metrics|health|envoy|istio|spire|csi|/run/secrets",
    re.IGNORECASE,
)


@cause(
    "KR420",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces={Symptom.RST, Symptom.NO_LISTENER},
    since="0.2",
    needs_symptom=True,
)
def listens_on_unix_socket_only(scene: Scene) -> Iterator[Finding]:
    """Yield when no TCP socket of the app's listens in the pod, and a UNIX socket does.

    Those that only steer a program do not count. An abstract one (@name) is as often a library's own as a
    server's: it makes it likely only.
    """
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome is not Outcome.REFUSED or pod.spec.host_network:
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    mine = [s.port for s in app_sockets(pod, listeners.sockets)]
    unix = [path for path in listeners.unix if not _CONTROL.search(path)]
    if not unix or mesh_of(pod) is not None or handshake.port in mine or app_ports(pod, mine):
        return
    files = [path for path in unix if path.startswith("/")]
    told = ", ".join((files or unix)[:SHOWN])
    says = f"{told} listens, a UNIX socket" if len(unix) == 1 else f"UNIX sockets listen: {told}"
    proof = WitnessEvidence(witness=listeners.witness, subject=f"pod/{pod.metadata.name}", says=says)
    evidence: list[Evidence] = [sockets(pod, listeners), proof, packet(scene, handshake)]
    kind, metadata, _ = workload_of(scene, pod)
    yield Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"port {handshake.port} is dialled; only {told} listens in the pod",
        headline=f"the app listens on the UNIX socket {(files or unix)[0]}, and on no TCP port",
        certainty=Certainty.PROVED if files else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"Let the server listen on 0.0.0.0:{handshake.port} too, or add a proxy that speaks to {told}",
            owner=named(kind, metadata.name),
        ),
    )
