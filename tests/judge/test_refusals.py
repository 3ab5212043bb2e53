"""When a Service did not accept and why, from what was watched; the output and the logs only add to it."""

from __future__ import annotations

from kubectl_refused.judge.refusals import LastWords, Watched, refusals
from kubectl_refused.model.report import Refusal
from kubectl_refused.trace.history import History
from tests.watched import event, pod, service, slice_of

NAMED = {("shop", "web")}


def standing(*more: object) -> History:
    """A Service with one ready pod, before the command began."""
    history = History()
    for value in (service(), pod(), slice_of(), *more):
        history.take(value, -1.0)  # type: ignore[arg-type]
    return history


def only(history: History, **more: object) -> Refusal:
    (found,) = refusals(Watched(history, 20.0, NAMED, **more))  # type: ignore[arg-type]
    return found


def test_a_start_up_race_says_what_to_wait_for() -> None:
    history = History()
    history.take(service(), 0.5)
    history.take(pod(ready=False), 1.0)
    history.take(pod(), 6.04)
    history.take(slice_of(), 6.04)
    found = only(history, flags=" --context kind-x")
    assert (found.cause, found.start, found.end, found.code) == ("start-up", 0.5, 6.0, "KR409")
    assert found.says == "pod/web-1 was not ready yet"
    assert found.advice.endswith("kubectl refused svc/web -n shop --wait 2m --context kind-x")


def crashed(history: History) -> History:
    history.take(pod(exits=1, runs=False, ready=False), 3.0)
    history.take(slice_of(ready=False), 3.1)
    history.take(pod(exits=1), 5.0)
    history.take(slice_of(), 5.1)
    return history


def test_a_crash_and_a_restart() -> None:
    found = only(crashed(standing()))
    assert (found.cause, found.start, found.end, found.partly) == ("crash", 3.1, 5.1, False)
    assert found.says == "container web of pod/web-1 exited: exit code 9; it runs again"
    assert "kubectl logs pod/web-1 -c web --previous -n shop" in found.advice


def test_an_address_in_use_by_its_log() -> None:
    said = LastWords("bind: address already in use", in_use=True)
    found = only(crashed(standing()), logs={("shop", "web-1", "web"): said})
    assert (found.cause, found.code) == ("address-in-use", "KR412")
    assert found.says.endswith("its log: bind: address already in use")


def test_one_of_two_pods_crashes() -> None:
    history = standing(pod("web-2", address="10.1.0.2", uid="2"), slice_of(name="web-b", address="10.1.0.2"))
    history.take(pod(exits=1), 3.0)
    found = only(history)
    assert (found.cause, found.start, found.end, found.partly) == ("crash", 3.0, 3.0, True)


def test_a_rollout_without_an_overlap() -> None:
    history = standing()
    history.take(pod(leaves=True), 2.0)
    history.take(slice_of(ready=False), 2.1)
    history.take(pod("web-2", uid="2", version="v2", ready=False, address=""), 2.2)
    history.remove("Pod", "shop", "web-1", 3.0)
    history.take(pod("web-2", uid="2", version="v2", address="10.1.0.2"), 6.0)
    history.take(slice_of(address="10.1.0.2"), 6.1)
    found = only(history)
    assert (found.cause, found.start, found.end) == ("rollout", 2.1, 6.1)
    assert found.says == "a rollout replaced its pods: pod/web-1 was deleted, pod/web-2 was made"


def test_a_rollout_with_an_overlap_is_told_only_where_the_output_names_it() -> None:
    history = standing()
    history.take(pod("web-2", uid="2", version="v2", address="10.1.0.2"), 1.0)
    history.take(slice_of(name="web-b", address="10.1.0.2"), 1.0)
    history.take(pod(leaves=True), 2.0)
    history.remove("Pod", "shop", "web-1", 3.0)
    found = only(history)
    assert (found.cause, found.partly, found.start, found.end) == ("rollout", True, 2.0, 3.0)
    assert refusals(Watched(history, 20.0)) == ()


def test_a_pod_that_is_deleted_and_replaced() -> None:
    history = standing()
    history.take(pod(leaves=True), 2.0)
    history.take(slice_of(ready=False), 2.1)
    history.take(pod("web-2", uid="2"), 2.2)
    found = only(history)
    assert (found.cause, found.end) == ("deleted", None)
    assert found.says == "pod/web-1 was deleted, and pod/web-2 took its place"


def test_a_readiness_probe_that_fails_for_a_while() -> None:
    history = standing()
    history.take(event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"), 2.0)
    history.take(pod(ready=False), 2.0)
    history.take(slice_of(ready=False), 2.1)
    found = only(history)
    assert (found.cause, found.code) == ("not-ready", "KR212")
    assert "statuscode: 503" in found.says


def test_no_pod_at_all() -> None:
    history = History()
    history.take(service(), -1.0)
    assert (only(history).cause, only(history).start, only(history).end) == ("no-pods", -1.0, None)
    assert refusals(Watched(history, 20.0)) == ()  # idle all the time, and nobody asked for it


def test_those_that_the_output_names_come_first() -> None:
    history = History()
    for name in ("api", "web"):
        history.take(service(name), 1.0)
        history.take(pod(f"{name}-1", app=name, uid=name), 2.0)
        history.take(slice_of(name, name=f"{name}-a"), 3.0)
    found = refusals(Watched(history, 20.0, NAMED))
    assert [(one.target, one.named) for one in found] == [("svc/web", True), ("svc/api", False)]
