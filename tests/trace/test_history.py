"""What happened while somebody watched: steps, outages and pods that are gone, whatever the order of the news."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.model.objects import KubernetesObject
from kubectl_refused.trace.history import MOST_STEPS, Gone, History
from tests.watched import event, pod, service, slice_of


def told(history: History) -> list[tuple[str, str]]:
    return [(step.what, step.kind) for step in history.steps()]


def test_how_things_stood_before_is_no_news() -> None:
    history = History()
    for value in (service(), pod(exits=3), slice_of()):
        history.take(value, -1.0)
    assert (history.steps(), history.outages) == ([], {("shop", "web"): []})


def test_a_start_is_an_outage_that_ends() -> None:
    history = History()
    history.take(service(), -1.0)
    history.take(pod(ready=False, address=""), 1.0)
    history.take(slice_of(ready=False), 1.5)
    history.take(pod(), 4.0)
    history.take(slice_of(), 4.1)
    ((outage,),) = history.outages.values()
    assert (outage.start, outage.end) == (-1.0, 4.1)
    assert told(history) == [("pod/web-1", "created"), ("pod/web-1", "ready"), ("svc/web", "served")]


def test_exits_and_restarts_are_told_once() -> None:
    history = History()
    history.take(pod(), -1.0)
    for at in (1.0, 1.1):
        history.take(pod(exits=1, runs=False, ready=False), at)
    history.take(pod(exits=1, waits="CrashLoopBackOff", ready=False), 2.0)
    for at in (3.0, 3.1):
        history.take(pod(exits=1), at)
    assert told(history) == [("pod/web-1", kind) for kind in ("exit", "unready", "waits", "up", "ready")]
    (step,) = [step for step in history.steps() if step.kind == "exit"]
    assert (step.container, step.says) == ("web", "container web exits: exit code 9")


def test_a_restart_that_nobody_saw_in_between_is_one_too() -> None:
    history = History()
    history.take(pod(), -1.0)
    assert [step.kind for step in history.take(pod(exits=1), 2.0)] == ["exit", "up"]


def test_a_pod_that_is_deleted_keeps_its_address_in_memory() -> None:
    history = History()
    history.take(service(), -1.0)
    history.take(pod(), -1.0)
    history.take(pod(leaves=True, exits=1, runs=False), 2.0)
    history.remove("Pod", "shop", "web-1", 3.0)
    assert told(history)[0] == ("pod/web-1", "leaves")
    (gone,) = history.holders_at("10.1.0.1")
    assert isinstance(gone, Gone)
    assert (gone.state.name, gone.at) == ("web-1", 3.0)
    assert [one.name for one in history.pods_of(service())] == ["web-1"]
    assert history.names("Pod") == set()


def test_a_pod_made_anew_under_its_name_is_another() -> None:
    history = History()
    history.take(pod(), -1.0)
    history.take(pod(uid="2", address="10.1.0.2"), 1.0)
    assert told(history) == [("pod/web-1", "gone"), ("pod/web-1", "created"), ("pod/web-1", "ready")]
    assert [type(one).__name__ for one in history.holders_at("10.1.0.1")] == ["Gone"]


def test_slices_that_go_leave_no_endpoint() -> None:
    history = History()
    for value in (service(), slice_of(), slice_of(name="web-b", address="10.1.0.2")):
        history.take(value, -1.0)
    history.remove("EndpointSlice", "shop", "web-a", 1.0)
    assert history.outages["shop", "web"] == []
    history.remove("EndpointSlice", "shop", "web-b", 2.0)
    assert history.outages["shop", "web"][-1].end is None


def test_events_of_pods_that_warn_are_told_once_and_masked() -> None:
    history = History()
    for _ in range(3):
        history.take(event("Unhealthy", "Readiness probe failed: token=abcdefgh12345678"), 1.0)
    history.take(event("Pulled", "image", type_="Normal"), 1.0)
    (step,) = history.steps()
    assert (step.kind, "***" in step.says) == ("event", True)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 3)), max_size=80))
@settings(deadline=None)
def test_any_order_of_news_ends_well(news: list[tuple[int, bool, int]]) -> None:
    history = History()
    for at, (what, flag, number) in enumerate(news):
        values: list[KubernetesObject] = [
            service(),
            pod(ready=flag, exits=number, uid=str(number % 2)),
            slice_of(ready=flag),
            event("X", "y"),
        ]
        if what < len(values):
            history.take(values[what], float(at))
        else:
            kind = ("Service", "Pod", "EndpointSlice")[what % 3]
            history.remove(kind, "shop", {"Service": "web", "Pod": "web-1"}.get(kind, "web-a"), float(at))
    for outages in history.outages.values():
        assert all(one.end is None or one.end >= one.start for one in outages)
        assert all(one.end is not None for one in outages[:-1])


def test_memory_is_bounded() -> None:
    history = History()
    history.take(service(), -1.0)
    for at in range(MOST_STEPS * 2):
        history.take(slice_of(ready=at % 2 == 0), float(at))
    assert len(history.steps()) <= MOST_STEPS
    assert history.steps()[0].at < 5
