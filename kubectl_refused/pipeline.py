"""The steps of a diagnosis, readable top to bottom.

targets ─▶ source ─▶ snapshot ─▶ scenes ─▶ causes ─▶ verdicts
                        ▲                    │ facts nobody has yet
                        └────── probes ◀─────┘

One target or ten thousand: the steps are the same, and what several targets ask for is learnt once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from msgspec import Struct, field

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.absorb import open_trials, untried_fixes
from kubectl_refused.judge.ahead import open_ahead
from kubectl_refused.judge.beyond import open_beyond, widened
from kubectl_refused.judge.changed import open_changes
from kubectl_refused.judge.verdict import judge
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import DRY_RUN, HANDSHAKE, Fact, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.snapshot import Change, Snapshot, fold
from kubectl_refused.model.target import Depth, Target, Vantage
from kubectl_refused.trace.ground import Ground
from kubectl_refused.trace.ignores import NOTHING_IGNORED, Ignores
from kubectl_refused.trace.questions import not_walked, questions
from kubectl_refused.trace.rulings import Open, Ruling

# Facts only accumulate, so this ends by itself; the bound is against a cause that asks in circles.
MOST_ROUNDS = 12  # of one target
NOTHING_BEYOND: Mapping[Fact[Any], Gap] = {}
Say = Callable[[str], None]
Count = Callable[[int, int], None]


class Source(Protocol):
    """Where objects are read from (sources/base.py)."""

    origin: str

    def read(self, target: Target) -> Iterable[Change]:
        """Everything on the target's path, as changes."""
        ...


class Learner(Protocol):
    """What learns facts (probes/prober.py)."""

    @property
    def notices(self) -> Sequence[Gap]:
        """What must be told in any case, whatever was asked."""
        ...

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[tuple[Need, object]]: ...
    def vantages(self) -> tuple[Vantage, ...]: ...

    def gaps_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What single methods could not do for these needs."""
        ...

    def notices_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What must be told in any case to who asked for these needs."""
        ...


def diagnose(
    target: Target,
    source: Source,
    prober: Learner,
    *,
    depth: Depth,
    context: str = "",
    touched: Callable[[], Sequence[tuple[str, str]]] = tuple,
    say: Say = lambda step: None,
) -> Diagnosis:
    """Diagnose one target: read, then ask the causes and learn what they lack until nothing is open.

    Raises what the source and the probes raise for a run that cannot go on (no cluster, cancelled).
    """
    say("reading objects")
    catalogue(target.kind)  # loaded while the server answers a source that reads ahead
    snapshot = fold(source.read(target), origin=source.origin)
    (told,) = diagnose_all([target], snapshot, prober, depth=depth, context=context, touched=touched, say=say)
    return told


def diagnose_all(
    targets: Iterable[Target],
    snapshot: Snapshot,
    prober: Learner,
    *,
    depth: Depth,
    context: str = "",
    touched: Callable[[], Sequence[tuple[str, str]]] = tuple,
    say: Say = lambda step: None,
    ignores: Ignores = NOTHING_IGNORED,
    count: Count = lambda judged, targets: None,
    beyond: Mapping[Fact[Any], Gap] = NOTHING_BEYOND,
    of_many: bool = False,
) -> tuple[Diagnosis, ...]:
    """Diagnose targets of one snapshot together: what several ask is learnt once, in rounds that all share.

    A target is shown what it asked for and nothing else, so that its verdict is the one it has alone. Facts that
    are `beyond` reach are not asked for. `of_many`: they are some of a scan's, so that one alone is asked no more
    than it would be among all.
    """
    asked = tuple(targets)
    facts, alone = FactStore(beyond=beyond), len(asked) == 1 and not of_many
    cases = [_Case(target, snapshot, depth, ignores, alone, facts) for target in asked]
    for case in cases:
        case.rule(prober.vantages())
    _learn(cases, snapshot, prober, say, count)
    told = touched()
    return tuple(case.judged(prober, context, told) for case in cases)


def _learn(cases: Sequence[_Case], snapshot: Snapshot, prober: Learner, say: Say, count: Count) -> None:
    """Round by round, until no case asks for more. What is only read comes before any dial, for all of them."""
    facts = FactStore()
    asking = [case for case in cases if case.asks]
    while asking:
        count(len(cases) - len(asking), len(cases))
        quiet = [case for case in asking if case.asks[0].fact.quiet]
        needs = list(dict.fromkeys(need for case in quiet or asking for need in case.asks))
        say("asking for " + ", ".join(sorted({n.fact.about for n in needs})[:2]))
        new = [need for need in needs if need not in facts.known]
        known = widened(snapshot, cases[0].rulings) if cases[0].alone else snapshot
        facts = facts.having(prober.learn(new, known, facts) if new else ())
        for case in quiet or asking:
            case.learn(facts, prober.vantages())
        asking = [case for case in asking if case.asks]


class _Case(Struct):
    """One target on the way to its diagnosis. `asks` is what it lacks: all of it is quiet, or nothing is."""

    target: Target
    snapshot: Snapshot
    depth: Depth
    ignores: Ignores
    alone: bool = True
    facts: FactStore = field(default_factory=FactStore)
    rulings: tuple[Ruling, ...] = ()
    asks: Sequence[Need] = ()
    rounds: int = 0
    ground: Ground | None = None

    def rule(self, vantages: Iterable[Vantage]) -> None:
        """Run the causes over what is known, and note what they lack."""
        places = tuple(
            one if one.kind else _assumed_vantage(one, self.snapshot, self.facts, self.depth) for one in vantages
        )
        if self.ground is None or not self.ground.holds(places):
            self.ground = Ground(self.target, self.snapshot, self.facts, places)
        self.rulings = self.ground.ruled(self.facts, self.ignores)
        needs = open_needs(self.rulings, self.depth)
        if not needs:
            needs = _last_needs(self.rulings, self.depth, alone=self.alone)
        self.asks = needs if self.rounds < MOST_ROUNDS else ()
        if not self.asks:
            self.ground = None  # there is no further round, and of a scan there are a thousand

    def learn(self, facts: FactStore, vantages: Iterable[Vantage]) -> None:
        """Take what was asked for out of all facts, and go on."""
        self.facts = self.facts.having((need, facts.known[need]) for need in self.asks)
        if self.ground:
            self.ground.learnt(self.asks)
        self.rounds += 1
        self.rule(vantages)

    def judged(self, prober: Learner, context: str, touched: Iterable[tuple[str, str]]) -> Diagnosis:
        """The verdict, with what stayed unknown."""
        rulings, asked = self.rulings, self.facts.known
        failed = _relevant(prober.gaps_about(_wanted(asked, rulings)), rulings)
        unknown = [*failed, *_unanswered(rulings), *untried_fixes(rulings)]
        notices = [*prober.notices_about(asked), *prober.notices]
        gaps = [*self.snapshot.gaps, *not_walked(self.target, self.snapshot, self.depth), *unknown, *notices]
        return judge(self.target, rulings, context=context, depth=self.depth, gaps=gaps, touched=touched)


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


def _last_needs(rulings: Sequence[Ruling], depth: Depth, *, alone: bool) -> list[Need]:
    """Once the causes have said what they can: whether the fix holds, what will show then, what changed last.

    Of many targets only what was read anyway tells the last two: a scan makes no request for each.
    """
    needs = [] if depth is Depth.NONE else open_trials(rulings)
    if alone:
        needs += [*open_ahead(rulings, depth), *open_beyond(rulings), *open_changes(rulings)]
    return [need for need in needs if need.fact.quiet] or needs


def _assumed_vantage(vantage: Vantage, snapshot: Snapshot, facts: FactStore, depth: Depth) -> Vantage:
    """Whose eyes stand in where no method has dialled for the client itself."""
    if snapshot.origin == "files":
        return Vantage("files")
    mine = (v for n, v in facts.known.items() if n.fact is HANDSHAKE and n.subject.at == vantage.key)
    dialled = any(not isinstance(value, Gap) for value in mine)
    kind = "apiserver" if dialled and depth is not Depth.NONE else "objects"
    return replace(vantage, kind=kind)


def _proved(ruling: Ruling) -> bool:
    return any(f.finding.certainty is Certainty.PROVED and not f.ignored for f in ruling.found)


def _relevant(gaps: Iterable[Gap], rulings: Sequence[Ruling]) -> list[Gap]:
    """Gaps of methods matter while something is unproved; a proved path needs none of them."""
    return [] if rulings and all(_proved(r) for r in rulings) else list(gaps)


def _wanted(asked: Iterable[Need], rulings: Sequence[Ruling]) -> list[Need]:
    """Without what only adds, or only notes asked for: nothing is less sure for want of it."""
    opened = [o for ruling in rulings for o in ruling.open]
    aside = {o.need for o in opened if _aside(o)} - {o.need for o in opened if not _aside(o)}
    return [need for need in asked if need not in aside and not need.fact.aside]


def _aside(one: Open) -> bool:
    return one.cause.note or one.need.fact.aside


def _unanswered(rulings: Sequence[Ruling]) -> Iterable[Gap]:
    """What causes asked for and nobody could tell, on paths that are not proved."""
    for ruling in rulings:
        if not _proved(ruling):
            mine = (o for o in ruling.open if not _aside(o) and o.need.fact is not DRY_RUN)
            yield from (o.gap for o in mine if o.gap)
