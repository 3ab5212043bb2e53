"""Carry out plans: run the methods side by side, fall back where one fails, keep every Gap."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kubectl_refused.model.facts import HANDSHAKE, Fact, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Vantage

from .base import Learnt, Method, ProbeContext
from .plan import plan, why_hopeless
from .rights import Preflight

if TYPE_CHECKING:
    from .all_permitted import AllPermitted
    from .permits import Permits

# A method may hand its needs on to the next one this often before they are given up.
MOST_FALLBACKS = 4


class Prober:
    """Learns needs by the methods given.

    It remembers what single methods could not do for a need (`gaps_about`) and what whoever asked must be told in
    any case (`notices_about`): dials that were not allowed. `notices` are for everybody: leftovers.
    """

    def __init__(
        self,
        methods: Sequence[Method],
        context: ProbeContext,
        *,
        deepest: Depth = Depth.ALL,
        preflight: Preflight | None = None,
        permits: Permits | AllPermitted | None = None,
    ) -> None:
        """`deepest` is the last level that a person could ask for here; `preflight` may be shared.

        `permits` says what may be dialled; without it what belongs to the cluster.
        """
        self._methods = {m.name: m for m in methods}
        self._deepest = deepest
        self._context = context
        self._tried: dict[tuple[Need, str], Gap | None] = {}
        self._permits, self._preflight = permits or _of_the_cluster(), preflight or Preflight()
        self._gaps: dict[Need, list[Gap]] = {}
        self._noticed: dict[Need, list[Gap]] = {}
        self.notices: list[Gap] = []

    def gaps_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What single methods could not do for these needs."""
        return list(dict.fromkeys(gap for need in needs for gap in self._gaps.get(need, ())))

    def notices_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What must be told in any case to who asked for these needs."""
        return list(dict.fromkeys(gap for need in needs for gap in self._noticed.get(need, ())))

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[Learnt]:
        """A value or a Gap for every need."""
        context = replace(self._context, snapshot=snapshot, facts=facts)
        methods, depth = tuple(self._methods.values()), context.settings.depth
        needs = tuple(dict.fromkeys(needs))
        refused = self._permits.refusals(needs, context)
        for need, gap in refused.items():
            if need.fact is HANDSHAKE:
                self._noticed.setdefault(need, []).append(gap)
        waiting, learnt = [need for need in needs if need not in refused], list[Learnt](refused.items())
        for _ in range(MOST_FALLBACKS):
            steps = plan(waiting, methods, depth, self._tried.keys(), partial(_takes, context=context))
            learnt += [(need, self._given_up(need)) for need in steps.hopeless]
            answers = self._run(steps.batches, context)
            learnt += [(n, v) for n, v in answers if not isinstance(v, Gap)]
            self._tell_substitutes(answers, context)
            kept = {n for n, v in answers if isinstance(v, Gap) and self._kept(n)}
            learnt += [(need, self._given_up(need)) for need in kept]
            waiting = [n for n, v in answers if isinstance(v, Gap) and n not in kept]
            if not waiting:
                return learnt
        return learnt + [(need, self._given_up(need)) for need in waiting]

    def vantages(self) -> tuple[Vantage, ...]:
        """Where the dials of each client start (no controls); without a kind until a method has dialled there."""
        known: dict[str, Vantage] = {}
        for method in sorted(self._methods.values(), key=lambda m: -m.order):
            known |= getattr(method, "vantages", {})
        clients = [c for c in self._context.clients if c.standing != "control"]
        return tuple(
            known.get(c.key) or Vantage("", node=c.node, name=c.name, key=c.key, control=c.control)
            for c in clients
        )

    def beyond(self) -> dict[Fact[Any], Gap]:
        """What cannot be had at this depth, whatever it is about: a scan would ask for it ten thousand times."""
        if self._context.settings.depth is not Depth.NONE or any(
            HANDSHAKE in m.facts for m in self._methods.values()
        ):
            return {}
        return {HANDSHAKE: why_hopeless(Need(HANDSHAKE, None), Depth.NONE, self._deepest)}

    def close(self) -> None:
        """Let every method put away what it holds (the probe pod)."""
        for method in self._methods.values():
            close = getattr(method, "close", None)
            if close is not None:
                close(self._context)

    def _kept(self, need: Need) -> bool:
        """Whether a method that was tried says that no other is to try it."""
        keepers = (getattr(method, "keeps", None) for method in self._methods.values())
        return any(keeps is not None and keeps(need) for keeps in keepers)

    def _given_up(self, need: Need) -> Gap:
        if need in self._gaps:
            return self._gaps[need][0]
        return why_hopeless(need, self._context.settings.depth, self._deepest)

    def _run(self, batches: dict[str, tuple[Need, ...]], context: ProbeContext) -> list[Learnt]:
        """Run each method in a daemon thread of its own; the first exception is raised here."""
        answers: list[Learnt] = []
        errors: list[BaseException] = []

        def work(method: Method, needs: tuple[Need, ...]) -> None:
            try:
                answers.extend(self._ask(method, needs, context))
            except BaseException as error:
                errors.append(error)

        threads = [
            threading.Thread(target=work, args=(self._methods[name], needs), daemon=True)
            for name, needs in batches.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return answers

    def _ask(self, method: Method, needs: tuple[Need, ...], context: ProbeContext) -> list[Learnt]:
        """Every need answered: one the method forgot becomes a Gap, so that nothing is asked for ever."""
        denied = self._preflight.refusals(method, needs, context)
        allowed = [need for need in needs if need not in denied]
        given: dict[Need, Any] = denied | (dict(method.learn(allowed, context)) if allowed else {})
        for need in needs:
            value = given.setdefault(need, Gap(need.fact.about, f"{method.name} gave no answer"))
            gap = value if isinstance(value, Gap) else None
            self._tried[(need, method.name)] = gap
            if gap:
                self._gaps.setdefault(need, []).append(gap)
        self._tell_leftovers(method)
        # What a stand-in lacks of its client is no failure of a method: it is told whatever was proved.
        self.notices += [gap for gap in getattr(method, "unlikes", ()) if gap not in self.notices]
        return [(need, given[need]) for need in needs]

    def _tell_substitutes(self, answers: Iterable[Learnt], context: ProbeContext) -> None:
        """Whoever asked what a client sees is told in any case that the API server dialled instead, and why."""
        for need, value in answers:
            client = context.client_of(need)
            named = need.fact is HANDSHAKE and client.standing in ("pod", "node")
            if named and isinstance(value, Handshake) and not value.first_hand:
                why = next(iter(self._gaps.get(need, ())), None)
                why = why or Gap("", f"not asked for at --probe {context.settings.depth.value}", "--probe pods")
                said = f"the API server dialled in its place: {why.because}"
                gap = Gap(f"what {client.name} sees", said, why.remedy)
                self._noticed.setdefault(need, []).append(gap)

    def _tell_leftovers(self, method: Method) -> None:
        """What a killed run left behind is reported by the next one, and removed by nobody but the user."""
        left = "left behind by an earlier run"
        kubectl = self._context.target.kubectl
        self._notice(
            Gap(f"{old.kind.lower()}/{old.name}", left, f"{kubectl} refused cleanup -n {old.namespace}")
            for old in getattr(method, "leftovers", ())
        )

    def _notice(self, told: Iterable[Gap]) -> None:
        self.notices += [gap for gap in dict.fromkeys(told) if gap not in self.notices]


def _of_the_cluster() -> Permits:
    """What may be dialled where nobody says more; its reads are loaded for a cluster only."""
    from .permits import Permits

    return Permits()


def _takes(method: Method, need: Need, *, context: ProbeContext) -> bool:
    # What dials where a client stands has vantages of its own.
    by_proxy = need.fact is HANDSHAKE and method.depth is Depth.PASSIVE and not hasattr(method, "vantages")
    if by_proxy and not _may_stand_in(need, context):
        return False
    takes = getattr(method, "takes", None)
    return bool(takes is None or takes(need, context))


def _may_stand_in(need: Need, context: ProbeContext) -> bool:
    """Whether the API server's own dial says something in place of the client's.

    Of several clients it tells none from another; of a control it would tell the opposite of what is asked.
    """
    clients = [c for c in context.clients if c.standing != "control"]
    return len(clients) == 1 and context.client_of(need).standing not in ("control", "here")
