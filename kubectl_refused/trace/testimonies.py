"""What logs and events say of a pod, as evidence."""

from __future__ import annotations

import re

from kubectl_refused.model.evidence import EventEvidence, LogEvidence
from kubectl_refused.model.facts import EVENTS, LOG, ContainerKey
from kubectl_refused.model.objects import Event, Pod
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.text import one_line

from .exits import innermost

# Of a longer message only its end is told: there wrapped errors have the cause.
LONGEST = 160


def log_lines(scene: Scene, pod: Pod, container: str, *, previous: bool) -> tuple[str, ...]:
    """A container's last lines, of this run or the one before; none where the log cannot be had."""
    log = scene.maybe(LOG, ContainerKey(pod.metadata.namespace, pod.metadata.name, container, previous))
    return log.lines if log else ()


def log_said(pod: Pod, container: str, line: str, *, previous: bool) -> LogEvidence:
    """One line of a container's log."""
    return LogEvidence(
        witness="previous log" if previous else "log",
        subject=f"container {container} of pod/{pod.metadata.name}",
        says=line,
        line=line,
        previous=previous,
    )


def events_saying(scene: Scene, pod: Pod, pattern: str) -> tuple[Event, ...]:
    """Events of the pod whose message holds the pattern, oldest first; none where events cannot be had."""
    found = [e for e in scene.maybe(EVENTS, pod_key(pod)) or () if re.search(pattern, e.message)]
    return tuple(sorted(found, key=lambda e: e.last_timestamp or e.event_time or ""))


def event_said(pod: Pod, event: Event) -> EventEvidence:
    """One event, and how often it was seen."""
    times = f" ({event.count} times)" if (event.count or 1) > 1 else ""
    said = event.message if len(event.message) <= LONGEST else f"… {innermost(event.message)}"
    return EventEvidence(
        witness="event",
        subject=f"pod/{pod.metadata.name}",
        says=one_line(f"{event.reason}{times}: {said}", 2 * LONGEST),
        reason=event.reason,
    )
