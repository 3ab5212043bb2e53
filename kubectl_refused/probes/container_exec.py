"""The listening sockets of a pod, read by a fixed program inside one of its containers.

All containers of a pod share the network namespace, so one that can read /proc/net is enough for the sockets.
Processes are seen from their own container only, so names may need a look into each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.connection.exec import ExecResult, run_in_container
from kubectl_refused.model.facts import LISTENERS, Fact, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.pod_lookup import find_pod, running_containers
from kubectl_refused.probes.proc_net import parse_owners, was_read, with_owners
from kubectl_refused.probes.proc_net_queues import listeners_of
from kubectl_refused.sources.reads import each, gap_of
from kubectl_refused.text import one_line

TIMEOUT = 10.0  # seconds for one exec
MOST_CONTAINERS = 4
REMEDY = "--probe all reads them with an ephemeral container"

# Only what every shell has built in is needed; grep (fewer bytes of a busy server), cat and ls where they
# exist. Nothing of the diagnosis is put into it. 300 processes: a host's /proc must not be walked for
# minutes. Where connections wait, or their bytes (13 and more: a FIN alone counts as one), it looks again a second
# later. Of UDP only sockets that are bound and not connected count (state 07). A listening UNIX stream socket has
# the flag __SO_ACCEPTCON (net/unix/af_unix.c, unix_seq_show).
SCRIPT = """\
look() {
for f in tcp tcp6; do
grep -e local_address -e ':0000 0A ' -e ' 0[18] [0-9A-F]*:0*[1-9A-F][0-9A-F]' -e ' 0[18] [0-9A-F]*:0*[D-F] ' \
/proc/net/$f 2>/dev/null ||
cat /proc/net/$f 2>/dev/null || { while read -r l; do echo "$l"; done </proc/net/$f; } 2>/dev/null
done
}
look
if grep -q -e ':0000 0A [0-9A-F]*:0*[1-9A-F]' -e ' 0[18] [0-9A-F]*:0*[1-9A-F][0-9A-F]' \
-e ' 0[18] [0-9A-F]*:0*[D-F] ' /proc/net/tcp /proc/net/tcp6 2>/dev/null && sleep 1 2>/dev/null
then echo "@again"; look; fi
for f in udp udp6; do
grep -e ':0000 07 ' /proc/net/$f 2>/dev/null || { while read -r l; do echo "$l"; done </proc/net/$f; } 2>/dev/null
done
for f in unix netstat; do
while read -r l; do case $l in *' 00010000 0001 01 '*|TcpExt:*) echo "$l";; esac; done </proc/net/$f
done 2>/dev/null
echo "@machine $(uname -m 2>/dev/null)"
n=0
for d in /proc/[0-9]*; do
n=$((n+1)); [ $n -gt 300 ] && break
{ read -r c <$d/comm; } 2>/dev/null || continue
echo "@process ${d#/proc/} $c"
ls -l $d/fd 2>/dev/null
done
exit 0
"""
WITH_SHELL = ("sh", "-c", SCRIPT)
WITHOUT_SHELL = (
    "cat",
    "/proc/net/tcp",
    "/proc/net/tcp6",
    "/proc/net/unix",
    "/proc/net/netstat",
    "/proc/net/udp",
    "/proc/net/udp6",
)
_NO_PROGRAM = (
    "executable file not found",
    "no such file or directory",
    "not found in $path",
    "stat sh",
    "stat cat",
)


class Reading(Struct, frozen=True):
    """What one exec said: `text` holds the tables, or `why` they could not be read."""

    text: str
    why: str = ""


# run_in_container's shape: connection, namespace, pod, container, argv, seconds.
Run = Callable[..., ExecResult]


class ContainerExec:
    """Reads sockets by exec. `run` is given by tests."""

    name = "container-exec"
    order = 30
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({LISTENERS})
    rights: tuple[Right, ...] = (
        Right("get", "pods", subresource="exec"),
        Right("create", "pods", subresource="exec"),
    )
    proves = "which sockets listen in the pod"

    def __init__(self, run: Run = run_in_container) -> None:
        self._run = run

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each pod, side by side."""
        context.say("reading listening sockets")
        values = each(lambda key: _read_pod(context, key, self._run), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))


def _read_pod(context: ProbeContext, key: PodKey, run: Run) -> Listeners | Gap:
    what = f"listening sockets of pod/{key.name}"
    pod = find_pod(context, key)
    if isinstance(pod, Gap):
        return Gap(what, pod.because, pod.remedy)
    containers = running_containers(pod)
    if not containers:
        phase = pod.status.phase if pod.status else ""
        return Gap(what, f"none of its containers runs ({phase or 'no status'})")
    try:
        return _read_containers(partial(_read_container, context, key, run), key, containers, what)
    except (Forbidden, NotFound, ApiProblem) as error:
        if isinstance(error, Forbidden):
            context.ledger.strike(_touch(key))
        return gap_of(error, what)


def _touch(key: PodKey) -> str:
    return f"exec in pod/{key.name}: cat /proc/net/tcp"


def _read_containers(
    read: Callable[[str], Reading], key: PodKey, containers: tuple[str, ...], what: str
) -> Listeners | Gap:
    """Take the sockets from the first container that can read them, and missing names from the others."""
    tried = containers[:MOST_CONTAINERS]
    found: Listeners | None = None
    reasons: list[str] = []
    for container in tried:
        if found and (all(s.process for s in found.sockets) or len(containers) > MOST_CONTAINERS):
            break
        reading = read(container)
        if reading.why:
            reasons.append(reading.why)
            continue
        found = found or listeners_of(reading.text, witness=f"exec in {key.name}")
        owners = parse_owners(reading.text)
        found = replace(found, sockets=with_owners(found.sockets, owners), udp=with_owners(found.udp, owners))
    return found or _unread(what, reasons)


def _read_container(context: ProbeContext, key: PodKey, run: Run, container: str) -> Reading:
    """Try the script, then plain cat."""
    context.ledger.record(_touch(key), "read only")
    why = ""
    for argv in (WITH_SHELL, WITHOUT_SHELL):
        result = run(context.connection, key.namespace, key.name, container, argv, TIMEOUT)
        text = result.stdout.decode("utf-8", errors="replace")
        if was_read(text):
            return Reading(text)
        why = _why(result)
    return Reading("", why)


def _why(result: ExecResult) -> str:
    """Return why nothing was read; empty images make the runtime fail, or exit with 126 or 127."""
    said = f"{result.error or ''} {result.stderr.decode(errors='replace')}"
    if result.exit_code in (126, 127) or any(words in said.lower() for words in _NO_PROGRAM):
        return "no program"
    return one_line(said) or f"the program ended with {result.exit_code}"


def _unread(what: str, reasons: list[str]) -> Gap:
    other = [reason for reason in reasons if reason != "no program"]
    if other:
        return Gap(what, other[0], REMEDY)
    return Gap(what, "the image has neither sh nor cat", REMEDY)
