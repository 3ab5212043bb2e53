"""When Services could not accept while they were watched, and why: what is over when somebody looks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kubectl_refused.model.objects import Service
from kubectl_refused.model.report import Refusal
from kubectl_refused.trace.history import History, Outage, Step, picks
from kubectl_refused.trace.pod_states import PodState

EARLIER = 5.0  # seconds by which the kubelet's news may come before, or the controller's after, the other's
LATER = 1.0
MOST = 50
_Key = tuple[str, str]


class LastWords(NamedTuple):
    """The line of a log that tells most, and whether it tells of an address in use."""

    line: str
    in_use: bool


@dataclass(frozen=True)
class Watched:
    """All that is known: `end` is when the command ended; `logs` what a container said before it ended, by
    namespace, pod and container; `flags` are the connection's, for commands.
    """

    history: History
    end: float
    named: Collection[_Key] = ()
    logs: Mapping[tuple[str, str, str], LastWords] = field(default_factory=dict)
    flags: str = ""


def refusals(watched: Watched) -> tuple[Refusal, ...]:
    """Those of Services that the output names first; of others only what began or ended meanwhile."""
    steps = watched.history.steps()
    found = [one for service in _concerned(watched, steps) for one in _of(service, watched, steps)]
    found.sort(key=lambda one: (not one.named, one.start, one.namespace, one.target))
    return tuple(found[:MOST])


def _concerned(watched: Watched, steps: Sequence[Step]) -> Iterator[Service]:
    """Services of which there may be something to tell: all of a cluster times all its pods would be too many."""
    history = watched.history
    exited = {(step.namespace, step.what.removeprefix("pod/")) for step in steps if step.kind == "exit"}
    pods = [one for one in history.pods.values() if (one.namespace, one.name) in exited]
    pods += [gone.state for gone in history.gone if (gone.state.namespace, gone.state.name) in exited]
    for key, service in history.services.items():
        news = any(one.end is not None or one.start >= 0 for one in history.outages.get(key, ()))
        if news or key in watched.named or any(picks(service, pod) for pod in pods):
            yield service


def _of(service: Service, watched: Watched, every: Sequence[Step]) -> Iterator[Refusal]:
    key = (service.metadata.namespace, service.metadata.name)
    pods = watched.history.pods_of(service)
    names = {f"pod/{pod.name}" for pod in pods}
    steps = [s for s in every if s.namespace == key[0] and s.what in names]
    outages = watched.history.outages.get(key, [])
    teller = _Teller(watched, key, pods, steps)
    for outage in outages:
        if key in watched.named or outage.end is not None or outage.start >= 0:
            yield teller.outage(outage)
    for step in steps:
        if step.kind == "exit" and not any(_within(step.at, outage, watched.end) for outage in outages):
            yield teller.crash(step)
    if key in watched.named and not outages:
        yield from teller.rollout()


def _within(at: float, outage: Outage, end: float) -> bool:
    return outage.start - EARLIER <= at <= (end if outage.end is None else outage.end) + LATER


@dataclass(frozen=True)
class _Teller:
    """Tells of one Service."""

    watched: Watched
    key: _Key
    pods: Sequence[PodState]
    steps: Sequence[Step]

    def outage(self, outage: Outage) -> Refusal:
        """Why it had no endpoint: what ended, left or was not ready yet when that began."""
        until = self.watched.end if outage.end is None else outage.end
        exits = self._between(outage.start - EARLIER, until, "exit")
        left = self._between(outage.start - EARLIER, outage.start + LATER, "leaves", "gone")
        unready = self._between(outage.start - EARLIER, outage.start + LATER, "unready")
        if exits:
            return self._exited(exits[-1], outage)
        if left:
            return self._replaced(left, outage)
        if not self.pods:
            return self._refusal(outage, "no-pods", "no pod was behind it", "", "KR201")
        if unready and outage.start >= 0:
            return self._unready(unready[0], outage)
        return self._starting(outage)

    def crash(self, step: Step) -> Refusal:
        """One of several pods, or one that was up again before anybody took it off the list."""
        later = [s for s in self.steps if s.what == step.what and s.at >= step.at]
        marks = "ready" if any(s.kind == "unready" for s in later) else "up"
        end = next((s.at for s in later if s.kind == marks), None)
        gone = next((s.at for s in later if s.kind == "gone"), None)
        return self._exited(step, Outage(step.at, gone if end is None else end), partly=True)

    def rollout(self) -> Iterator[Refusal]:
        """Pods that were replaced while others served."""
        left = [s for s in self.steps if s.kind in ("leaves", "gone") and s.at >= 0]
        if left and any(s.kind == "created" for s in self.steps):
            yield self._replaced(left, Outage(left[0].at, left[-1].at), partly=True)

    def _exited(self, step: Step, outage: Outage, *, partly: bool = False) -> Refusal:
        log = self.watched.logs.get((step.namespace, step.what.removeprefix("pod/"), step.container))
        again = next((s for s in self.steps if s.kind == "up" and s.what == step.what and s.at >= step.at), None)
        says = f"container {step.container} of {step.what} exited: {step.detail}"
        says += "; it runs again" if again else ""
        says += f"; its log: {log.line}" if log else ""
        if log and log.in_use:
            advice = "Give every listener a port of its own"
            return self._refusal(outage, "address-in-use", says, advice, "KR412", partly=partly)
        see = f"kubectl logs {step.what} -c {step.container} --previous -n {step.namespace}{self.watched.flags}"
        code = "KR411" if "OOMKilled" in step.detail else "KR208"
        return self._refusal(outage, "crash", says, f"See why it ends: {see}", code, partly=partly)

    def _replaced(self, left: Sequence[Step], outage: Outage, *, partly: bool = False) -> Refusal:
        old = {pod.version for pod in self.pods if f"pod/{pod.name}" in {s.what for s in left}}
        fresh = [s for s in self.steps if s.kind == "created" and s.at >= left[0].at - EARLIER]
        new = {pod.version for pod in self.pods if f"pod/{pod.name}" in {s.what for s in fresh}}
        gone = f"{left[0].what} was deleted"
        if new - old:
            says = f"a rollout replaced its pods: {gone}, {fresh[-1].what} was made"
            advice = "Keep one pod serving meanwhile (maxUnavailable: 0 and a readiness probe), or test after it"
            return self._refusal(outage, "rollout", says, advice, "KR222" if partly else "", partly=partly)
        says = f"{gone}, and {fresh[-1].what} took its place" if fresh else gone
        return self._refusal(outage, "deleted", says, "", partly=partly)

    def _unready(self, step: Step, outage: Outage) -> Refusal:
        told = [s for s in self.steps if s.kind == "event" and s.what == step.what and "Unhealthy" in s.says]
        says = f"{step.what} was no longer ready" + (f": {told[-1].detail}" if told else "")
        see = f"kubectl describe {step.what} -n {step.namespace}{self.watched.flags}"
        return self._refusal(outage, "not-ready", says, f"See its readiness probe: {see}", "KR212")

    def _starting(self, outage: Outage) -> Refusal:
        names = list(dict.fromkeys(f"pod/{pod.name}" for pod in self.pods))
        which = names[0] if len(names) == 1 else f"its {len(names)} pods"
        if outage.end is None:
            return self._refusal(outage, "not-ready", f"{which} did not become ready", "")
        says = f"{which} {'was' if len(names) == 1 else 'were'} not ready yet"
        wait = f"kubectl refused svc/{self.key[1]} -n {self.key[0]} --wait 2m{self.watched.flags}"
        return self._refusal(outage, "start-up", says, f"Wait for it before the command: {wait}", "KR409")

    def _between(self, start: float, end: float, *kinds: str) -> list[Step]:
        return [s for s in self.steps if s.kind in kinds and start <= s.at <= end]

    def _refusal(
        self, outage: Outage, cause: str, says: str, advice: str, code: str = "", *, partly: bool = False
    ) -> Refusal:
        return Refusal(
            target=f"svc/{self.key[1]}",
            namespace=self.key[0],
            start=round(outage.start, 1),
            end=None if outage.end is None else round(outage.end, 1),
            cause=cause,  # type: ignore[arg-type]  # one of the Literal's words
            says=says,
            advice=advice,
            code=code,
            partly=partly,
            named=self.key in self.watched.named,
        )
