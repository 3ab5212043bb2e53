"""`scan --skim`: what looks well by its slices is left at that, and pods are read of the other Services only."""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_refused.judge.first_sight import well_at_first_sight
from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.report import Report
from kubectl_refused.model.snapshot import fold
from kubectl_refused.sources.skimming import SkimSource
from kubectl_refused.trace.calm import calm_by_slices

from .scan_judging import beyond_of, in_order, left_of
from .scanning import ScanSurvey
from .surveys import Say


@dataclass(frozen=True)
class SkimSurvey(ScanSurvey):
    """A scan of a cluster whose pods are too many to read them all."""

    def report(self, say: Say) -> Report:
        """Judge every Service, most by their slices alone."""
        say("reading Services and EndpointSlices")
        source = SkimSource(self.source)
        outline = source.outline()
        snapshot = fold(outline)
        self.check(snapshot)
        targets, prober = self.targets(snapshot), self.ground.prober(self.home, say)
        facts, ignores = FactStore(beyond=beyond_of(prober)), self._scanning.ignores
        seen = well_at_first_sight(targets, snapshot, facts, prober.vantages(), ignores, calm_by_slices)
        first = list(seen)
        odd = left_of(targets, first)
        say(f"reading the pods of {len(odd)} of {len(targets)} Services")
        services = [snapshot.service(target.namespace, target.name) for target in odd]
        whole = source.with_pods_of(outline, [one for one in services if one is not None])
        rest = self.judge(odd, whole, prober, say, of_many=len(targets) > 1)
        left = [Gap(_pods_of(len(targets) - len(odd)), "by --skim their slices are enough", "leave --skim away")]
        unread = left if len(odd) < len(targets) else []
        return self.told(in_order(first, rest), whole, prober, unread)


def _pods_of(services: int) -> str:
    return f"what the pods of {services} Service{'s' if services > 1 else ''} say, whose slices look well"
