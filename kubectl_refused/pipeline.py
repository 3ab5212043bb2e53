"""The steps of a diagnosis, readable top to bottom.

target ─▶ source ─▶ snapshot ─▶ scenes ─▶ causes ─▶ verdict
                        ▲                   │ facts nobody has yet
                        └───── probes ◀─────┘
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.absorb import open_trials, untried_fixes
from kubectl_refused.judge.verdict import judge
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import DRY_RUN, HANDSHAKE, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Change, Snapshot, fold
from kubectl_refused.model.target import Depth, Target, Vantage
from kubectl_refused.trace.questions import not_walked, questions
from kubectl_refused.trace.rulings import Ruling, rule
from kubectl_refused.trace.scenes import scenes, with_siblings

# Facts only accumulate, so this ends by itself; the bound is against a cause that asks in circles.
MOST_ROUNDS = 12


class Source(Protocol):
    """Where objects are read from (sources/base.py)."""

    origin: str

    def read(self, target: Target) -> Iterable[Change]:
        """Everything on the target's path, as changes."""
        ...


class Learner(Protocol):
    """What learns facts (probes/prober.py)."""

    gaps: list[Gap]
    notices: list[Gap]

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[tuple[Need, object]]: ...
    def vantages(self) -> tuple[Vantage, ...]: ...


def diagnose(
    target: Target,
    source: Source,
    prober: Learner,
    *,
    depth: Depth,
    context: str = "",
    touched: Callable[[], Sequence[tuple[str, str]]] = tuple,
    say: Callable[[str], None] = lambda step: None,
) -> Diagnosis:
    """Diagnose one target: read, then ask the causes and learn what they lack until nothing is open.

    Raises what the source and the probes raise for a run that cannot go on (no cluster, cancelled).
    """
    say("reading objects")
    snapshot = fold(source.read(target), origin=source.origin)
    facts = FactStore()
    rulings = _rulings(target, snapshot, facts, prober, depth)
    for _ in range(MOST_ROUNDS):
        needs = open_needs(rulings, depth) or ([] if depth is Depth.NONE else open_trials(rulings))
        if not needs:
            break
        say("asking for " + ", ".join(sorted({n.fact.about for n in needs})[:2]))
        facts = facts.having(prober.learn(needs, snapshot, facts))
        rulings = _rulings(target, snapshot, facts, prober, depth)
    unknown = [*_relevant(prober.gaps, rulings), *_unanswered(rulings), *untried_fixes(rulings)]
    gaps = [*snapshot.gaps, *not_walked(target, snapshot), *unknown, *prober.notices]
    return judge(target, rulings, context=context, depth=depth, gaps=gaps, touched=touched())


def open_needs(rulings: Sequence[Ruling], depth: Depth) -> list[Need]:
    """What to learn next: what is only read before anything is dialled, as it may prove the root by itself.

    A path whose root is proved costs no more dials and touches nothing more.
    """
    needs: list[Need] = []
    for ruling in rulings:
        facts = ruling.scene.facts
        asked = [o.need for o in ruling.open if o.gap is None]
        if depth is not Depth.NONE:
            asked += [q for q in questions(ruling.scene) if facts.get(q.fact, q.subject) is None]
        if _proved(ruling):
            asked = [n for n in asked if n.fact.depth.rank < Depth.PODS.rank and n.fact is not HANDSHAKE]
        needs += asked
    quiet = [n for n in needs if n.fact.quiet]
    return list(dict.fromkeys(quiet or needs))


def _rulings(
    target: Target, snapshot: Snapshot, facts: FactStore, prober: Learner, depth: Depth
) -> tuple[Ruling, ...]:
    seen: list[Scene] = []
    for vantage in prober.vantages():
        place = vantage if vantage.kind else _assumed_vantage(vantage, snapshot, facts, depth)
        seen += scenes(target, snapshot, facts, place)
    return tuple(rule(scene, catalogue()) for scene in with_siblings(seen))


def _assumed_vantage(vantage: Vantage, snapshot: Snapshot, facts: FactStore, depth: Depth) -> Vantage:
    """Whose eyes stand in where no method has dialled for the client itself."""
    if snapshot.origin == "files":
        return Vantage("files")
    mine = (v for n, v in facts.known.items() if n.fact is HANDSHAKE and n.subject.at == vantage.key)
    dialled = any(not isinstance(value, Gap) for value in mine)
    kind = "apiserver" if dialled and depth is not Depth.NONE else "objects"
    return replace(vantage, kind=kind)


def _proved(ruling: Ruling) -> bool:
    return any(f.finding.certainty is Certainty.PROVED for f in ruling.found)


def _relevant(gaps: Iterable[Gap], rulings: Sequence[Ruling]) -> list[Gap]:
    """Gaps of methods matter while something is unproved; a proved path needs none of them."""
    return [] if rulings and all(_proved(r) for r in rulings) else list(gaps)


def _unanswered(rulings: Sequence[Ruling]) -> Iterable[Gap]:
    """What causes asked for and nobody could tell, on paths that are not proved."""
    for ruling in rulings:
        if not _proved(ruling):
            yield from (o.gap for o in ruling.open if o.gap and o.need.fact is not DRY_RUN)
