"""What a run is about: some targets, or every Service. Each can be diagnosed, looked at, and watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from kubectl_refused.model.report import Diagnosis, DiagnosisList, Report
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL, fold
from kubectl_refused.model.target import Depth, Target

if TYPE_CHECKING:
    from kubectl_refused.sources.base import Source

    from .grounds import Ground

Say = Callable[[str], None]


class Sight(Struct, frozen=True):
    """What a look at the objects shows: whether there is something to dial, else what that waits for."""

    ready: bool
    report: Report


class Watched(Struct, frozen=True):
    """A list to watch: its API path and query."""

    path: str
    query: tuple[tuple[str, str], ...] = ()


class Survey(Protocol):
    """One or many targets on one ground. Each report is made anew."""

    def report(self, say: Say) -> Report:
        """The diagnosis at the depth asked for."""
        ...

    def look(self, say: Say) -> Sight:
        """What the objects alone tell, and whether each target has something that could accept."""
        ...

    def watched(self) -> Sequence[Watched]:
        """What to watch to learn that something has changed."""
        ...


class TargetsSurvey(Struct, frozen=True):
    """The targets that were named, one after the other. `single`: the report is no list."""

    ground: Ground
    single: bool

    def report(self, say: Say) -> Report:
        """Diagnose every target."""
        targets = self.ground.targets()
        if len(targets) > 1 and getattr(self.ground, "together", False):
            return DiagnosisList(items=self._together(targets, say))
        found = [
            self._diagnosis(target, say if len(targets) == 1 else _saying(say, str(target))) for target in targets
        ]
        return found[0] if self.single and len(found) == 1 else DiagnosisList(items=tuple(found))

    def look(self, say: Say) -> Sight:
        """Read the objects of each path; what cannot be dialled yet is diagnosed by them."""
        from kubectl_refused.pipeline import diagnose_all
        from kubectl_refused.trace.readiness import is_ready

        from .grounds import ClusterGround

        assert isinstance(self.ground, ClusterGround)
        found: list[Diagnosis] = []
        ready = True
        for target in self.ground.targets():
            snapshot = fold(self.ground.source.read(target), origin=self.ground.source.origin)
            ready = ready and is_ready(target, snapshot)
            looker = self.ground.looker(target, say)
            found += diagnose_all([target], snapshot, looker, depth=Depth.NONE, context=self.ground.context)
        return Sight(ready, found[0] if len(found) == 1 else DiagnosisList(items=tuple(found)))

    def watched(self) -> Sequence[Watched]:
        """The Service, its slices, and the pods of its namespace."""
        from kubectl_refused.sources.reads import namespaced

        found: list[Watched] = []
        for target in self.ground.targets():
            space = target.namespace
            if target.is_of_pods:
                found.append(Watched(namespaced(space, "pods")))
                continue
            slices = namespaced(space, "endpointslices", group="discovery.k8s.io/v1")
            found += [
                Watched(namespaced(space, "services"), (("fieldSelector", f"metadata.name={target.name}"),)),
                Watched(slices, (("labelSelector", f"{SERVICE_NAME_LABEL}={target.name}"),)),
                Watched(namespaced(space, "pods")),
            ]
        return tuple(dict.fromkeys(found))

    def _together(self, targets: Sequence[Target], say: Say) -> tuple[Diagnosis, ...]:
        """Those on whose paths nothing is read beforehand: all are dialled at once."""
        from kubectl_refused.pipeline import diagnose_all

        ground = self.ground
        snapshot = fold(ground.source.read(targets[0]), origin=ground.source.origin)
        return diagnose_all(targets, snapshot, ground.prober(targets[0], say), depth=ground.depth, say=say)

    def _diagnosis(self, target: Target, say: Say) -> Diagnosis:
        ground = self.ground
        source = _source(ground, target)
        from kubectl_refused.pipeline import diagnose  # loads what judges

        return diagnose(
            target,
            source,
            ground.prober(target, say),
            depth=ground.depth,
            context=ground.context,
            touched=lambda: ground.ledger.entries_of(target),
            say=say,
        )


def _source(ground: Ground, target: Target) -> Source:
    """That of the ground; of a cluster it is read from now on, while what judges is loaded."""
    if not target.in_cluster:
        return ground.source
    from kubectl_refused.sources.ahead import ReadAhead

    from .grounds import ClusterGround

    return ReadAhead(ground.source, target) if isinstance(ground, ClusterGround) else ground.source


def _saying(say: Say, target: str) -> Say:
    return lambda step: say(f"{target}: {step}")
