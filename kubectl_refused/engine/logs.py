"""The last lines of a container's log, by the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_refused.model.facts import CONTAINER_LOG, EngineKey, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Log
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.container_log import LINES, shown_lines
from kubectl_refused.text import one_line
from kubectl_refused.trace.start_order import moment

from .connect import api_of
from .proc_listeners import find
from .source import ENDED

# The engine notes the start when it is told of it: a program of a few milliseconds has said all by then.
SAID_BEFORE = 1.0  # seconds


class EngineLogs:
    """Reads logs."""

    name = "engine-logs"
    order = 20
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({CONTAINER_LOG})
    rights: tuple[Right, ...] = ()

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each."""
        for need in needs:
            context.connection.cancel.check()
            yield need, _read(need.subject, context)


def _since(key: EngineKey, context: ProbeContext) -> dict[str, float]:
    """What ended is told by its last run; what runs, perhaps again, by what was before too."""
    container = find(context.snapshot, key)
    if container is None or container.state.status not in ENDED:
        return {}
    started = moment(container.state.started_at)
    return {"since": started - SAID_BEFORE} if started else {}


def _read(key: EngineKey, context: ProbeContext) -> Log | Gap:
    try:
        raw = api_of(context).logs(key.container, tail=LINES, timestamps=False, **_since(key, context))
    except Exception as error:
        # A logging driver that cannot be read says so itself.
        return Gap("the container's log", one_line(str(error)))
    return Log(shown_lines(raw[-200_000:].decode(errors="replace")))
