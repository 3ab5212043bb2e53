"""The last rollout of a Deployment, and what it changed, from the ReplicaSets it left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubectl_refused.model.objects import Container, PodSpec, Workload
from kubectl_refused.text import mask, one_line

from .containers import command_line
from .statuses import seconds

# The Deployment controller numbers its ReplicaSets, and renumbers one that a rollback takes up again.
_REVISION = "deployment.kubernetes.io/revision"
_MOST_TOLD = 2
_MOST_CHARACTERS = 60


class Rollout(Struct, frozen=True):
    """One rollout: when it began (seconds since the epoch), its revision, and what differs from the one before."""

    at: float
    revision: int
    says: str


def last_rollout(sets: Iterable[Workload]) -> Rollout | None:
    """The rollout that made the newest revision; None for a Deployment that was never changed."""
    numbered = sorted(((revision, one) for one in sets if (revision := _revision(one))), key=lambda pair: pair[0])
    if not numbered or numbered[-1][0] < 2:
        return None
    revision, now = numbered[-1]
    before = numbered[-2][1] if len(numbered) > 1 else None
    at = _began(now, before)
    if at is None:
        return None
    changes = _differences(before.spec.template.spec, now.spec.template.spec) if before else iter(())
    told = ", ".join([one for _, one in zip(range(_MOST_TOLD), changes, strict=False)])
    return Rollout(at, revision, told or ("another pod template" if before else "rolled out"))


def _revision(one: Workload) -> int:
    """Its number; 0 for one that has none, or for what is no number."""
    told = (one.metadata.annotations or {}).get(_REVISION, "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 10 else 0


def _began(now: Workload, before: Workload | None) -> float | None:
    """A ReplicaSet is made for a rollout; a rollback takes up an older one, and writes it anew."""
    born = seconds(now.metadata.creation_timestamp)
    earlier = seconds(before.metadata.creation_timestamp) if before else None
    if born is None or earlier is None or born > earlier:
        return born
    written = [seconds(e.time) for e in now.metadata.managed_fields or () if not e.subresource]
    return max((at for at in written if at is not None), default=None)


def _differences(before: PodSpec, now: PodSpec) -> Iterator[str]:
    """What changed in the pods, the image first."""
    old, new = _by_name(before), _by_name(now)
    shared = [(name, old[name], new[name]) for name in new if name in old]
    yield from (f"image {_shown(a.image)} → {_shown(b.image)}" for _, a, b in shared if a.image != b.image)
    for name, a, b in shared:
        if (a.command, a.args) != (b.command, b.args):
            yield f"command {_ran(a)} → {_ran(b)}"
        yield from (f"{what} of container {name}" for what in _other(a, b))
    yield from (f"container {name} is new" for name in new if name not in old)
    yield from (f"container {name} is gone" for name in old if name not in new)


def _other(before: Container, now: Container) -> Iterator[str]:
    """Parts whose values are not told: they are long, or may be secret."""
    if before.env != now.env:
        old, new = ({v.name: v.value for v in c.env or ()} for c in (before, now))
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        yield f"environment variable{'s' * (len(names) > 1)} {', '.join(names[:3])}" if names else "environment"
    if before.ports != now.ports:
        yield "ports"
    probes = (before.readiness_probe, before.liveness_probe, before.startup_probe)
    if probes != (now.readiness_probe, now.liveness_probe, now.startup_probe):
        yield "probes"
    if before.resources != now.resources:
        yield "resources"


def _by_name(spec: PodSpec) -> dict[str, Container]:
    return {c.name: c for c in (*(spec.init_containers or ()), *(spec.containers or ()))}


def _ran(container: Container) -> str:
    return _shown(command_line(container)) or "of the image"


def _shown(text: str) -> str:
    return one_line(mask(text), _MOST_CHARACTERS)
