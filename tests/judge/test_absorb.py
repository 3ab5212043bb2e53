"""Findings of one path into faults."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.causes import HOPS, Cause, Scope, Symptom
from kubectl_refused.fixes.requests import request
from kubectl_refused.judge.absorb import MOST_EVIDENCE, faults
from kubectl_refused.model.evidence import Certainty, Finding, Fix, ObjectEvidence, PacketEvidence
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.rulings import Found
from tests.scenery import pod, scene

PROVED, LIKELY, POSSIBLE = Certainty.PROVED, Certainty.LIKELY, Certainty.POSSIBLE
CODES = {hop: f"KR{place}01" for place, hop in enumerate(HOPS, 1)}


def a_cause(name: str, hop: str = "process", **more: Any) -> Cause:
    produces, shows = frozenset(more.get("produces", ())), more.get("shows")
    code = f"{CODES[hop]}-{name}"
    return Cause(code, name, hop, Scope.ROUTE, frozenset(), produces, shows, "0.1", "", lambda s: iter(()))


def found(cause: Cause, certainty: Certainty = PROVED, *, at: Scene | None = None, **finding: Any) -> Found:
    values = {"where": "somewhere", "says": "it is so", **finding}
    return Found(cause, Finding(certainty=certainty, **values), at or scene())


def on(name: str) -> Scene:
    return scene().at_pod(pod(name))


def names(*these: Found) -> list[str]:
    return [root.name for root in faults(these)]


def test_nothing_found_is_no_fault() -> None:
    assert faults([]) == ()


def test_the_surest_comes_first_then_the_one_nearest_to_the_client() -> None:
    early, late = a_cause("early", "service"), a_cause("late", "process")
    assert names(found(late), found(early)) == ["early", "late"]
    assert names(found(late), found(early, LIKELY)) == ["late", "early"]


def test_a_symptom_goes_where_its_cause_is_found() -> None:
    crash = a_cause("crash", "pod", shows=Symptom.CRASH)
    bind = a_cause("bind", produces=[Symptom.CRASH, Symptom.NO_LISTENER])
    assert names(found(crash)) == ["crash"]
    assert names(found(crash), found(bind)) == ["bind"]


def test_a_symptom_stays_where_its_cause_is_less_sure() -> None:
    crash = a_cause("crash", "pod", shows=Symptom.CRASH)
    bind = a_cause("bind", produces=[Symptom.CRASH])
    assert names(found(crash), found(bind, LIKELY)) == ["crash", "bind"]


def test_a_symptom_of_another_pod_stays() -> None:
    crash = a_cause("crash", "pod", shows=Symptom.CRASH)
    bind = a_cause("bind", produces=[Symptom.CRASH])
    assert names(found(crash, at=on("web-1")), found(bind, at=on("web-2"))) == ["crash", "bind"]
    assert names(found(crash, at=on("web-1")), found(bind, at=on("web-1"))) == ["bind"]


def test_a_cause_does_not_absorb_itself() -> None:
    loop = a_cause("loop", shows=Symptom.CRASH, produces=[Symptom.CRASH])
    assert names(found(loop)) == ["loop"]


def test_a_fault_that_the_roots_very_change_mends_is_told_once() -> None:
    sent = request("Service", "shop", "web", {"spec": {"selector": {"app": "web"}}})
    first = Fix(summary="Select app=web", request=sent)
    again = found(a_cause("late"), fix=Fix(summary="Say it in other words", request=sent))
    assert names(found(a_cause("early", "service"), fix=first), again) == ["early"]
    other = found(a_cause("late"), fix=Fix(summary="Start the server"))
    assert names(found(a_cause("early", "service"), fix=first), other) == ["early", "late"]


def test_the_same_change_at_several_pods_is_one_fault() -> None:
    cause, fix = a_cause("loopback"), Fix(summary="Bind to 0.0.0.0")
    proof = ObjectEvidence(witness="exec", subject="pod/web-1", says="127.0.0.1:8080")
    roots = faults([
        found(cause, LIKELY, at=on("web-1"), where="pod/web-1", fix=fix, evidence=(proof,)),
        found(cause, PROVED, at=on("web-2"), where="pod/web-2", fix=fix, evidence=(proof,)),
    ])  # fmt: skip
    assert len(roots) == 1
    assert roots[0].certainty is PROVED, "the surest of a group speaks for it"
    assert {"pod/web-1", "pod/web-2"} == set(roots[0].where.split(", "))
    assert roots[0].evidence == (proof,)


def test_two_changes_of_one_cause_are_two_faults_the_commoner_first() -> None:
    cause = a_cause("wrong-port")
    rare, common = Fix(summary="Set 1"), Fix(summary="Set 2")
    roots = faults([found(cause, fix=rare), found(cause, fix=common), found(cause, fix=common)])
    assert [r.fix.summary for r in roots if r.fix] == ["Set 2", "Set 1"]


def test_long_lists_are_cut() -> None:
    cause, fix = a_cause("loopback"), Fix(summary="Bind")
    many = [found(cause, fix=fix, where=f"pod/web-{i}", evidence=(_said(i),)) for i in range(MOST_EVIDENCE + 4)]
    (root,) = faults(many)
    assert len(root.evidence) == MOST_EVIDENCE
    assert root.where.endswith("and 8 more")


def test_of_other_places_only_what_their_own_dials_and_sockets_say_is_told() -> None:
    fix, told = Fix(summary="Bind"), ObjectEvidence(witness="exec", subject="x", says="first")
    again = ObjectEvidence(witness="exec", subject="x", says="second")
    one, two = (
        found(a_cause("a"), fix=fix, evidence=(told,)),
        found(a_cause("a"), fix=fix, evidence=(again, _said(1))),
    )
    (root,) = faults([one, two])
    assert root.evidence == (told, _said(1))


def _said(number: int) -> PacketEvidence:
    return PacketEvidence(
        witness="exec",
        subject=f"pod/web-{number}",
        says="so",
        address="10.0.0.1:80",
        outcome="refused",
        seconds=0.1,
    )


def test_without_a_headline_the_clash_itself_is_told() -> None:
    (root,) = faults([found(a_cause("x"), says="1; 2")])
    assert root.headline == "1; 2"


symptoms = st.sampled_from(list(Symptom))
some_causes = st.builds(
    a_cause,
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from(HOPS),
    shows=st.none() | symptoms,
    produces=st.lists(symptoms, max_size=3),
)
some_found = st.builds(found, some_causes, st.sampled_from(list(Certainty)))


@given(st.lists(some_found, max_size=6))
def test_a_proof_is_never_outranked_by_a_guess(these: list[Found]) -> None:
    ranks = [root.certainty.rank for root in faults(these)]
    assert ranks == sorted(ranks)


@given(st.lists(some_found, max_size=6))
def test_only_symptoms_go(these: list[Found]) -> None:
    told = {root.name for root in faults(these)}
    assert {f.cause.slug for f in these if f.cause.shows is None} <= told
