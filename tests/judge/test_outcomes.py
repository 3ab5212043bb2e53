"""How a path ended, from its dials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.judge.outcomes import FAILING, WORST_FIRST, path_outcome, worst
from kubectl_refused.model.facts import LOOKUP, NameKey, Need
from kubectl_refused.model.observation import Lookup, Outcome
from kubectl_refused.model.scene import Scene
from tests.scenery import CLUSTER_IP, dialled, endpoint_slice, pod, scene

ACCEPTED, REFUSED, REJECTED, MIXED = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.REJECTED, Outcome.MIXED
outcomes = st.sampled_from(list(Outcome))


def seen(entrance: Outcome | None, *behind: Outcome | None) -> Scene:
    """A Service with one ready pod for each dial behind it; None was not dialled."""
    pods = [pod(f"web-{i}", ip=f"10.0.0.{i + 1}") for i in range(len(behind))]
    facts = dict(dialled(CLUSTER_IP, 80, entrance)) if entrance else {}
    for i, outcome in enumerate(behind):
        facts |= dialled(f"10.0.0.{i + 1}", 8080, outcome) if outcome else {}
    return scene(*pods, endpoint_slice(*pods), facts=facts)


@pytest.mark.parametrize(
    ("entrance", "behind", "ended"),
    [
        (ACCEPTED, [ACCEPTED], ACCEPTED),
        (ACCEPTED, [ACCEPTED, REFUSED], MIXED),
        (REFUSED, [ACCEPTED, REFUSED], MIXED),
        (REFUSED, [REFUSED, REFUSED], REFUSED),
        (REJECTED, [], REJECTED),
        (REJECTED, [ACCEPTED], REJECTED),
        (None, [REFUSED], REFUSED),
        (None, [REFUSED, ACCEPTED], MIXED),
        (ACCEPTED, [None], ACCEPTED),
    ],
)
def test_path_outcome(entrance: Outcome | None, behind: list[Outcome | None], ended: Outcome) -> None:
    assert path_outcome(seen(entrance, *behind), tried=True) is ended


def test_no_dial_is_untried_or_unknown() -> None:
    assert path_outcome(seen(None, None), tried=False) is Outcome.UNTRIED
    assert path_outcome(seen(None, None), tried=True) is Outcome.UNKNOWN


def test_a_name_that_does_not_resolve_breaks_a_path_that_accepts() -> None:
    pods = [pod()]
    facts = dialled(CLUSTER_IP, 80, ACCEPTED) | dialled("10.0.0.1", 8080, ACCEPTED)
    name = "web.shop.svc"
    lookup = {Need(LOOKUP, NameKey(name)): Lookup(name, (), 0.1, "probe-pod", error="NXDOMAIN")}
    made = scene(*pods, endpoint_slice(*pods), facts={**facts, **lookup})
    assert path_outcome(made, tried=True) is Outcome.UNRESOLVED


@given(st.lists(outcomes, min_size=1))
def test_the_worst_speaks(several: list[Outcome]) -> None:
    chosen = worst(several)
    assert chosen in several
    assert all(WORST_FIRST.index(chosen) <= WORST_FIRST.index(o) for o in several)


def test_every_outcome_has_its_rank() -> None:
    assert set(WORST_FIRST) == set(Outcome)
    assert worst([]) is Outcome.UNTRIED
    assert not FAILING & {Outcome.ACCEPTED, Outcome.UNTRIED, Outcome.UNKNOWN}


@given(outcomes, st.lists(outcomes, max_size=3))
def test_accepted_means_that_all_that_was_dialled_accepted(entrance: Outcome, behind: list[Outcome]) -> None:
    accepted = path_outcome(seen(entrance, *behind), tried=True) is ACCEPTED
    assert accepted == (entrance is ACCEPTED and set(behind) <= {ACCEPTED})
