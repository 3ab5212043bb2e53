"""From failed connections in a text, and what was watched meanwhile, to one explanation. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.report import Diagnosis, Explanation, GapTold, Mention, Moment, Refusal, Touched
from kubectl_refused.model.target import Target
from kubectl_refused.patterns import lazily
from kubectl_refused.resolve.error_text import Failure
from kubectl_refused.resolve.grammar import check_namespace, parse
from kubectl_refused.trace.addresses import place as placed
from kubectl_refused.trace.history import History, Outage, Step
from kubectl_refused.trace.linking import Known, Link, link

MOST_TARGETS = 5
MOST_MENTIONS = 30
MOST_MOMENTS = 40
NOBODY = "no Service, pod or node that is known here"
_FORWARD = lazily(r"(?:error occurred forwarding \d{1,5} -> (\d{1,5})|error forwarding port (\d{1,5}) to pod)")
_Key = tuple[str, str]


@dataclass(frozen=True)
class Told:
    """What was run, or only read (`command` empty), and what became of it."""

    command: tuple[str, ...] = ()
    exit_code: int | None = None
    seconds: float | None = None


def mentions(failures: Iterable[Failure], known: Known, *, timed: bool) -> list[Mention]:
    """Each place once for each way in which it failed; single words with a number only where they are Services.

    `timed` for what a command wrote, where it is known when.
    """
    found: list[Mention] = []
    for failure in failures:
        linked = link(failure.place, known)
        if linked is None and failure.place.weak:
            continue
        found.append(_mention(failure, linked or Link(""), timed=timed))
    return sorted(found, key=lambda one: (not one.target, one.first or 0.0))[:MOST_MENTIONS]


def _mention(failure: Failure, linked: Link, *, timed: bool) -> Mention:
    host, port = failure.place.host, failure.place.port
    inside = _forwarded(failure)
    if inside and not linked.service:
        linked = Link(inside)
    target = f"svc/{linked.service}{':' if linked.port else ''}{linked.port}" if linked.service else ""
    return Mention(
        address=placed(host, port) if port else host,
        how=failure.how,
        times=failure.times,
        line=failure.line,
        means=linked.means,
        target=target,
        namespace=linked.namespace,
        first=round(failure.first, 1) if timed else None,
    )


def _forwarded(failure: Failure) -> str:
    """What a port-forward's own error means: it dials localhost in the pod's network, and nobody is there.

    The words are those of kubectl and of containerd (internal/cri/server/sandbox_portforward_linux.go).
    """
    told = _FORWARD.search(failure.line)
    if told is None:
        return ""
    port = told[1] or told[2]
    return f"localhost inside the pod of a port-forward: nothing listens on {port} there; ask pod/NAME:{port}"


def named(told: Iterable[Mention]) -> set[_Key]:
    """The Services that the text means, by namespace and name."""
    return {(one.namespace, service_of(one.target)) for one in told if one.target}


def service_of(target: str) -> str:
    """`web` of `svc/web:80`."""
    return target.removeprefix("svc/").partition(":")[0]


def targets(told: Iterable[Mention], refused: Iterable[Refusal], kubectl: str) -> list[Target]:
    """What to diagnose: the Services meant, most often told first, then those that are still without endpoints."""
    counted: dict[tuple[str, str], int] = {}
    for one in told:
        if one.target:
            key = (one.namespace, one.target)
            counted[key] = counted.get(key, 0) + one.times
    asked = sorted(counted, key=lambda key: -counted[key])
    asked += [(one.namespace, one.target) for one in refused if one.end is None and one.start >= 0]
    whole = {key for key in asked if ":" not in key[1]}
    apart = [
        key for key in dict.fromkeys(asked) if key in whole or (key[0], key[1].partition(":")[0]) not in whole
    ]
    return [target for space, text in apart for target in _parsed(space, text, kubectl)][:MOST_TARGETS]


def _parsed(namespace: str, text: str, kubectl: str) -> Iterator[Target]:
    """Nothing for what a hostile text calls a Service and no Service can be called."""
    try:
        yield from parse([text], namespace=check_namespace(namespace), kubectl=kubectl)
    except UsageProblem:
        return


def timeline(history: History, told: Sequence[Mention], refused: Iterable[Refusal], ran: Told) -> list[Moment]:
    """What happened to the Services concerned and to their pods, beside what the command wrote."""
    keys = named(told) | {(one.namespace, service_of(one.target)) for one in refused}
    things = _things(history, keys)
    steps = [step for step in history.steps() if (step.namespace, step.what) in things]
    moments = [_moment(step) for step in steps if step.at >= 0] + _standing(history, keys)
    moments += [
        Moment(at=one.first or 0.0, what="output", namespace="", says=one.line) for one in told if one.target
    ]
    if ran.seconds is not None:
        says = f"exits with {ran.exit_code}"
        moments.append(Moment(at=round(ran.seconds, 1), what="the command", namespace="", says=says))
    return sorted(moments, key=lambda one: one.at)


def _things(history: History, keys: Collection[_Key]) -> set[_Key]:
    found = {(space, f"svc/{name}") for space, name in keys}
    for key in keys:
        service = history.services.get(key)
        found |= {(key[0], f"pod/{pod.name}") for pod in history.pods_of(service)} if service else set()
    return found


def _standing(history: History, keys: Collection[_Key]) -> list[Moment]:
    """Services that had no endpoint when the command began."""
    bare = [key for key in sorted(keys) if any(_spans_the_start(one) for one in history.outages.get(key, ()))]
    return [Moment(at=0.0, what=f"svc/{n}", namespace=s, says="has no ready endpoint") for s, n in bare]


def _spans_the_start(outage: Outage) -> bool:
    return outage.start < 0 and (outage.end is None or outage.end >= 0)


def _moment(step: Step) -> Moment:
    return Moment(at=round(step.at, 1), what=step.what, namespace=step.namespace, says=step.says)


def explanation(
    ran: Told,
    told: Sequence[Mention],
    refused: Sequence[Refusal],
    moments: Sequence[Moment],
    diagnoses: Iterable[tuple[Diagnosis, bool]],
    *,
    context: str,
    namespace: str,
    gaps: Iterable[Gap],
    touched: Iterable[tuple[str, str]],
    complete: bool,
) -> Explanation:
    """All of it; each diagnosis comes with whether it is well."""
    judged = list(diagnoses)
    common = dict.fromkeys(GapTold(what=g.what, because=g.because, remedy=g.remedy) for g in gaps)
    return Explanation(
        context=context,
        namespace=namespace,
        command=ran.command,
        exit_code=ran.exit_code,
        seconds=None if ran.seconds is None else round(ran.seconds, 1),
        mentions=tuple(told),
        refusals=tuple(refused),
        timeline=tuple(_cut(moments)),
        works=tuple(one.target for one, well in judged if well),
        items=tuple(one for one, well in judged if not well),
        gaps=tuple(common),
        touched=tuple(Touched(what=what, undone=undone) for what, undone in touched),
        complete=complete,
    )


def _cut(moments: Sequence[Moment]) -> Sequence[Moment]:
    """The first and the last of many, with a word about those between."""
    left = len(moments) - MOST_MOMENTS
    if left <= 0:
        return moments
    half = MOST_MOMENTS // 2
    between = Moment(at=moments[half].at, what="…", namespace="", says=f"{left} more")
    return [*moments[:half], between, *moments[-half:]]
