"""What happened to Services and pods for as long as they were watched, folded from their objects as they came.

Pure: times are handed in, in seconds since the command began. Kept is what a story needs, in bounded memory: of
each pod a few fields, of what happened MOST_STEPS, the first half and the last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kubectl_refused.model.objects import EndpointSlice, Event, KubernetesObject, Pod, Service
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL
from kubectl_refused.text import mask, one_line

from .exits import exit_told
from .labels import carries
from .pod_states import PodState, state_of

MOST_STEPS = 2000
MOST_GONE = 2000
MOST_OUTAGES = 50  # of one Service; what goes up and down more often is told by these
Kind = Literal["created", "exit", "up", "ready", "unready", "leaves", "gone", "waits", "empty", "served", "event"]
_Key = tuple[str, str]
_TOLD_EVENTS = frozenset({"Killing", "Evicted", "Preempted", "NodeNotReady", "TaintManagerEviction"})


class Step(NamedTuple):
    """One thing that happened: `what` is pod/NAME or svc/NAME; `detail` an exit's or an event's own words."""

    at: float
    namespace: str
    what: str
    kind: Kind
    says: str
    detail: str = ""
    container: str = ""


class Outage(NamedTuple):
    """A time in which a Service had no ready endpoint; `end` is None while it has none."""

    start: float
    end: float | None = None


class Gone(NamedTuple):
    """A pod that is gone, and since when."""

    state: PodState
    at: float


@dataclass
class History:
    """What was seen. `take` and `remove` are called with everything that a watch tells, in any order and again."""

    services: dict[_Key, Service] = field(default_factory=dict)
    pods: dict[_Key, PodState] = field(default_factory=dict)
    gone: deque[Gone] = field(default_factory=lambda: deque(maxlen=MOST_GONE))
    outages: dict[_Key, list[Outage]] = field(default_factory=dict)
    _first: list[Step] = field(default_factory=list)
    _last: deque[Step] = field(default_factory=lambda: deque(maxlen=MOST_STEPS // 2))
    _ready: dict[_Key, dict[str, frozenset[str]]] = field(default_factory=dict)
    _service_of: dict[_Key, _Key] = field(default_factory=dict)
    _news: list[Step] = field(default_factory=list)
    _told: set[tuple[str, str, str]] = field(default_factory=set)

    def take(self, value: KubernetesObject, at: float) -> list[Step]:
        """An object as it is now; before the command began `at` is negative, and of pods nothing is news.

        Returns what that tells anew.
        """
        self._news = []
        if isinstance(value, Pod):
            self._pod(value, at)
        elif isinstance(value, Service):
            self._service(value, at)
        elif isinstance(value, EndpointSlice):
            self._slice(value, at)
        elif isinstance(value, Event):
            self._event(value, at)
        return self._news

    def remove(self, kind: str, namespace: str, name: str, at: float) -> None:
        """An object that is gone."""
        key = (namespace, name)
        if kind == "EndpointSlice" and key in self._service_of:
            service = self._service_of.pop(key)
            self._ready.get(service, {}).pop(name, None)
            self._judge(service, at)
        elif kind == "Service" and key in self.services:
            del self.services[key]
            self._step(at, key, f"svc/{name}", "gone", "is deleted")
            self.outages.pop(key, None)
        elif kind == "Pod" and key in self.pods:
            self.gone.append(Gone(self.pods.pop(key), at))
            self._step(at, key, f"pod/{name}", "gone", "is gone")

    def names(self, kind: str) -> set[_Key]:
        """The objects of a kind that are there, by namespace and name."""
        held: dict[str, Iterable[_Key]] = {
            "Service": self.services, "Pod": self.pods, "EndpointSlice": self._service_of
        }  # fmt: skip
        return set(held.get(kind, ()))

    def steps(self) -> list[Step]:
        """What happened, in order."""
        return [*self._first, *self._last]

    def pods_of(self, service: Service) -> list[PodState]:
        """The pods, those gone too, that the Service selects."""
        every = (*self.pods.values(), *(one.state for one in self.gone))
        return [one for one in every if picks(service, one)]

    def holders_at(self, address: str) -> Iterator[Gone | PodState]:
        """The pods that have or had the address, the living first, then who lost it last."""
        yield from (pod for pod in self.pods.values() if address in pod.addresses)
        yield from (one for one in reversed(self.gone) if address in one.state.addresses)

    def _service(self, service: Service, at: float) -> None:
        key = (service.metadata.namespace, service.metadata.name)
        before, self.services[key] = self.services.get(key), service
        if before is None:
            self._step(at, key, f"svc/{key[1]}", "created", "is created")
            self._judge(key, at)
        elif (before.spec.selector, before.spec.ports) != (service.spec.selector, service.spec.ports):
            changed = "selector" if before.spec.selector != service.spec.selector else "ports"
            self._step(at, key, f"svc/{key[1]}", "event", f"gets another {changed.rstrip('s')}")

    def _slice(self, part: EndpointSlice, at: float) -> None:
        name = (part.metadata.labels or {}).get(SERVICE_NAME_LABEL)
        if name:
            key = (part.metadata.namespace, name)
            self._service_of[part.metadata.namespace, part.metadata.name] = key
            self._ready.setdefault(key, {})[part.metadata.name] = frozenset(ready_addresses(part))
            self._judge(key, at)

    def _judge(self, key: _Key, at: float) -> None:
        """Open or close an outage of a Service that exists."""
        if key not in self.services:
            return
        count = len(frozenset().union(*self._ready.get(key, {}).values()))
        outages = self.outages.setdefault(key, [])
        open_now = bool(outages) and outages[-1].end is None
        if not count and not open_now and len(outages) < MOST_OUTAGES:
            outages.append(Outage(at))
            self._step(at, key, f"svc/{key[1]}", "empty", "has no ready endpoint")
        elif count and open_now:
            ended = outages.pop()._replace(end=at)
            outages += [ended] if at >= 0 else []  # what is over before the command begins is nobody's
            self._step(at, key, f"svc/{key[1]}", "served", f"has {count} ready endpoint{'s' * (count > 1)}")

    def _pod(self, pod: Pod, at: float) -> None:
        now = state_of(pod)
        key = (now.namespace, now.name)
        before = self.pods.get(key)
        if before is not None and before.uid != now.uid:  # a StatefulSet's, made anew under its name
            self.gone.append(Gone(before, at))
            self._step(at, key, f"pod/{now.name}", "gone", "is gone")
            before = None
        self.pods[key] = now
        if at < 0:
            return
        if before is None:
            self._step(at, key, f"pod/{now.name}", "created", "is created")
        for step in _changes(before, now, at):
            self._keep(step)

    def _event(self, event: Event, at: float) -> None:
        about = event.involved_object
        said = (about.uid or about.name, event.reason, event.message[:200])
        warns = event.type == "Warning" or event.reason in _TOLD_EVENTS
        if at < 0 or about.kind != "Pod" or not warns or said in self._told or len(self._told) >= MOST_STEPS:
            return
        self._told.add(said)
        text = one_line(mask(event.message), 160)
        key = (about.namespace, about.name)
        self._step(at, key, f"pod/{about.name}", "event", f"{event.reason}: {text}", text)

    def _step(self, at: float, key: _Key, what: str, kind: Kind, says: str, detail: str = "") -> None:
        if at >= 0:
            self._keep(Step(at, key[0], what, kind, says, detail))

    def _keep(self, step: Step) -> None:
        self._news.append(step)
        (self._first if len(self._first) < MOST_STEPS // 2 else self._last).append(step)


def picks(service: Service, pod: PodState) -> bool:
    """Whether the Service selects such a pod."""
    selector = service.spec.selector
    return bool(selector) and pod.namespace == service.metadata.namespace and carries(pod.labels, selector or {})


def _changes(before: PodState | None, now: PodState, at: float) -> Iterator[Step]:
    """What became of a pod between two looks at it."""

    def step(kind: Kind, says: str, detail: str = "", container: str = "") -> Step:
        return Step(at, now.namespace, f"pod/{now.name}", kind, says, detail, container)

    earlier = {one.name: one for one in before.containers} if before else {}
    for one in now.containers:
        was = earlier.get(one.name)
        if one.exits > (was.exits if was else 0) and one.ended is not None and not now.leaves:
            told = exit_told(one.ended)
            yield step("exit", f"container {one.name} exits: {told}", told, one.name)
        if one.exits and one.runs and (was is None or not was.runs or was.exits < one.exits):
            yield step("up", f"container {one.name} runs again", container=one.name)
        if one.waits and one.waits != (was.waits if was else "") and one.waits not in _STARTING:
            yield step("waits", f"container {one.name} waits: {one.waits}", one.waits, one.name)
    if now.ready != (before.ready if before else False):
        yield step("ready" if now.ready else "unready", "is ready" if now.ready else "is no longer ready")
    if now.leaves and not (before and before.leaves):
        yield step("leaves", "is being deleted")


_STARTING = frozenset({"ContainerCreating", "PodInitializing"})


def ready_addresses(part: EndpointSlice) -> Iterable[str]:
    """The addresses of endpoints that get traffic; an unknown condition counts as ready, as the API says."""
    for endpoint in part.endpoints or ():
        if endpoint.conditions.ready is not False:
            yield from endpoint.addresses or ()
