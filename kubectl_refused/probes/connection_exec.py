"""The connections of a client's pod, read by a fixed program inside one of its containers.

Only states and addresses are read, and of the environment only the addresses that Kubernetes itself put there
(NAME_SERVICE_HOST): nothing of the app's own settings leaves the container.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.exec import run_in_container
from kubectl_refused.model.facts import CONNECTIONS, Fact, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Connections
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.container_exec import MOST_CONTAINERS, TIMEOUT, Run
from kubectl_refused.probes.pod_lookup import find_pod, running_containers
from kubectl_refused.probes.proc_net import was_read
from kubectl_refused.probes.proc_net_connections import connections_of
from kubectl_refused.sources.reads import each, gap_of

# A sysctl ends after its first read, and a shell's `read` takes one byte at a time: cat it.
# A busy client has tens of thousands: those are counted, and of the ones that matter the first are listed.
SCRIPT = """\
for f in tcp tcp6; do
read -r l </proc/net/$f && echo "$l"
n=$(grep -c -e ' 0[1-9B] [0-9A-F]*:[0-9A-F]* ' /proc/net/$f 2>/dev/null) && echo "@count $n"
grep -m 500 -e ' 02 [0-9A-F]*:[0-9A-F]* ' /proc/net/$f
grep -m 500 -e ' 01 [0-9A-F]*:[0-9A-F]* ' /proc/net/$f
done 2>/dev/null
l=$(cat /proc/sys/net/ipv4/ip_local_port_range 2>/dev/null) && echo "@range $l"
env 2>/dev/null | grep -m 500 -e '^[A-Z0-9_]*_SERVICE_HOST='
echo "@machine $(uname -m 2>/dev/null)"
exit 0
"""
WITH_SHELL = ("sh", "-c", SCRIPT)
WITHOUT_SHELL = ("cat", "/proc/net/tcp", "/proc/net/tcp6", "/proc/sys/net/ipv4/ip_local_port_range")


class ConnectionExec:
    """The Method `connection-exec`. `run` is given by tests."""

    name = "connection-exec"
    order = 31
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({CONNECTIONS})
    rights: tuple[Right, ...] = tuple(Right(verb, "pods", subresource="exec") for verb in ("get", "create"))
    proves = "where the client's own connections lead"

    def __init__(self, run: Run = run_in_container) -> None:
        self._run = run

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each pod, side by side."""
        context.say("reading the client's connections")
        values = each(lambda key: _read_pod(context, key, self._run), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))


def _read_pod(context: ProbeContext, key: PodKey, run: Run) -> Connections | Gap:
    what = f"connections of pod/{key.name}"
    pod = find_pod(context, key)
    if isinstance(pod, Gap):
        return Gap(what, pod.because, pod.remedy)
    touch = f"exec in pod/{key.name}: cat /proc/net/tcp"
    context.ledger.record(touch, "read only")
    try:
        return _read(context, key, running_containers(pod)[:MOST_CONTAINERS], run) or Gap(
            what, "nothing reads them"
        )
    except (Forbidden, NotFound, ApiProblem, Unreachable) as error:
        if isinstance(error, Forbidden | NotFound):
            context.ledger.strike(touch)
        return gap_of(error, what)


def _read(context: ProbeContext, key: PodKey, containers: Sequence[str], run: Run) -> Connections | None:
    """From the first container that has a shell or cat; they share one network namespace."""
    for container in containers:
        for argv in (WITH_SHELL, WITHOUT_SHELL):
            result = run(context.connection, key.namespace, key.name, container, argv, TIMEOUT)
            text = result.stdout.decode("utf-8", errors="replace")
            if was_read(text):
                return connections_of(text, f"exec in {key.name}")
    return None
