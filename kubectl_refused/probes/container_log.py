"""The last lines of a container's log, fit to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.connection.logs import LARGEST_LOG, read_log
from kubectl_refused.model.facts import LOG, ContainerKey, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Log
from kubectl_refused.model.target import Depth
from kubectl_refused.patterns import lazily
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.reads import each, gap_of
from kubectl_refused.text import clean, mask, one_line

LINES = 60
FEWER_LINES = 10
LONGEST_LINE = 1000
# The kubelet answers 200 and this text, alone, when the log's file is gone (kuberuntime ReadLogs, seen on 1.34).
_KUBELET_FAILED = lazily(
    r"(unable to retrieve container logs for \S+|failed to try resolving symlinks in path \S+ .*)\s*\Z"
)


class ContainerLog:
    """Reads logs through the API server."""

    name = "container-log"
    order = 20
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({LOG})
    rights: tuple[Right, ...] = (Right("get", "pods", subresource="log"),)

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each container's log, side by side."""
        context.say("reading logs")
        values = each(lambda key: _read(context, key), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))


def _read(context: ProbeContext, key: ContainerKey) -> Log | Gap:
    what = f"the {'previous ' if key.previous else ''}log of {key.pod}/{key.container}"
    try:
        text = read_log(context.connection, key.namespace, key.pod, key.container, key.previous, LINES)
        if len(text) >= LARGEST_LOG:
            # The kubelet's limit in bytes cuts the *end* off the lines asked for, and the end tells why.
            text = read_log(context.connection, key.namespace, key.pod, key.container, key.previous, FEWER_LINES)
    except (Forbidden, NotFound, ApiProblem) as error:
        return gap_of(error, what)
    if _KUBELET_FAILED.match(text):
        return Gap(what, one_line(text))
    return Log(shown_lines(text), key.previous)


def shown_lines(text: str) -> tuple[str, ...]:
    """Return the last lines, cleaned and masked (as a whole, since a key spans lines), each of bounded length.

    Masking costs about a second for a megabyte, so it comes after the cut.
    """
    lines = [line.rstrip()[:LONGEST_LINE] for line in clean(text).rstrip().split("\n")[-LINES:]]
    return tuple(mask("\n".join(lines)).split("\n")) if lines != [""] else ()
