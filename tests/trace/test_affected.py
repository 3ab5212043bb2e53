"""Which Services a change concerns: judged anew alone, they give the table that all would give."""

from __future__ import annotations

import pytest

from kubectl_refused.judge.scanning import Judged, judged
from kubectl_refused.model.objects import EndpointSlice, Pod, Service
from kubectl_refused.model.snapshot import Change, Coverage, SeenObject, Snapshot, fold, key_of
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose_all
from kubectl_refused.trace.affected import Place, affected
from tests.case_folders import Case, cases
from tests.case_runs import CaseLearner
from tests.watched import pod, service, slice_of

SEEN = (Service, EndpointSlice, Pod)
OF_SERVICES = [case for case in cases() if case.target.is_service and len(case.world("healthy")) > 1]


def read(*world: SeenObject) -> Snapshot:
    """As a scan of everything reads them."""
    kinds = [Coverage(kind.__name__, "") for kind in SEEN]
    return fold([*(Change(0.0, value=one) for one in world), *(Change(0.0, covered=one) for one in kinds)])


def changed(before: Snapshot, after: Snapshot) -> list[tuple[str, str, str]]:
    keys = {**before.objects, **after.objects}
    return [key for key in keys if before.objects.get(key) != after.objects.get(key)]


def table(case: Case, snapshot: Snapshot, places: set[Place]) -> dict[Place, Judged]:
    """These Services as a scan keeps them, with the facts that hold in the end."""
    learner = CaseLearner(case.world("refused"), {}, case.target.namespace, Depth.NONE)
    targets = [Target(name, namespace) for namespace, name in sorted(places)]
    told = diagnose_all(targets, snapshot, learner, depth=Depth.NONE, of_many=True)
    return {(one.namespace, one.target.removeprefix("svc/")): judged(one, snapshot) for one in told}


def places(snapshot: Snapshot) -> set[Place]:
    return {(one.metadata.namespace, one.metadata.name) for one in snapshot.services()}


@pytest.mark.parametrize("names", [("healthy", "refused"), ("refused", "healthy")], ids=["breaks", "heals"])
@pytest.mark.parametrize("case", OF_SERVICES, ids=str)
def test_some_judged_anew_are_as_all_judged_anew(case: Case, names: tuple[str, str]) -> None:
    before, after = (read(*(one for one in case.world(name) if isinstance(one, SEEN))) for name in names)
    concerned = affected(before, after, changed(before, after))
    kept = table(case, before, places(before))
    due = {p for p in places(after) if p in concerned or p not in kept or not kept[p].well}
    told = {place: one for place, one in (kept | table(case, after, due)).items() if place in places(after)}
    assert told == table(case, after, places(after))


WEB = (service("web"), slice_of("web"), pod("web-1", app="web"))
TILL = (
    service("till", "10.96.3.8"),
    slice_of("till", name="till-a", address="10.1.0.2"),
    pod("till-1", app="till", address="10.1.0.2"),
)


@pytest.mark.parametrize(
    ("after", "concerned"),
    [
        ((*WEB, *TILL), set()),
        ((*WEB[:2], pod("web-1", app="web", ready=False), *TILL), {"web"}),
        ((*WEB[:2], *TILL), {"web"}),
        ((WEB[0], slice_of("web", ready=False), WEB[2], *TILL), {"web"}),
        ((*WEB, *TILL, pod("thief", app="thief", address="10.1.0.2")), {"till"}),
        ((*WEB, *TILL, pod("web-2", app="web", address="10.1.0.9")), {"web"}),
        ((*WEB, *TILL, service("rival", "10.96.3.9", externalIPs=["10.96.3.8"])), {"rival", "till"}),
        ((*WEB, *TILL, service("other", "10.96.4.1")), {"other"}),
        (WEB, {"till"}),
    ],
)
def test_whom_it_concerns(after: tuple[SeenObject, ...], concerned: set[str]) -> None:
    old, new = read(*WEB, *TILL), read(*after)
    assert affected(old, new, changed(old, new)) == {("shop", name) for name in concerned}


def test_an_alias_is_concerned_by_what_it_stands_for() -> None:
    alias = service("alias", "", type="ExternalName", externalName="till.shop.svc.cluster.local", selector=None)
    old, new = read(alias, *TILL), read(alias)
    assert affected(old, new, [key_of(one) for one in TILL]) == {("shop", "alias"), ("shop", "till")}
