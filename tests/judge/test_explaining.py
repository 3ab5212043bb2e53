"""What is told of a text's failures, what is diagnosed for them, and how a timeline is put together."""

from __future__ import annotations

from kubectl_refused.judge.explaining import (
    MOST_MOMENTS,
    MOST_TARGETS,
    Told,
    explanation,
    mentions,
    targets,
    timeline,
)
from kubectl_refused.judge.refusals import Watched, refusals
from kubectl_refused.model.report import Mention, Moment, Refusal
from kubectl_refused.model.snapshot import Change, fold
from kubectl_refused.resolve.error_text import failures_in
from kubectl_refused.trace.history import History
from kubectl_refused.trace.linking import Known
from tests.watched import pod, service, slice_of

KNOWN = Known(fold(Change(1.0, value=one) for one in (service(), pod(), slice_of())), "shop")


def mention(target: str, times: int = 1, namespace: str = "shop") -> Mention:
    return Mention(address="x", how="refused", times=times, line="x", means="", target=target, namespace=namespace)


def refusal(target: str, start: float, end: float | None) -> Refusal:
    return Refusal(target=target, namespace="shop", start=start, end=end, cause="crash", says="", advice="")


def test_services_come_first_and_single_words_only_where_they_are_some() -> None:
    text = (
        b"dial tcp 10.8.8.8:80: connection refused\ndial web:80: connection refused\nretry:3: connection refused"
    )
    told = mentions(failures_in(text), KNOWN, timed=False)
    assert [(one.address, one.target) for one in told] == [("web:80", "svc/web:80"), ("10.8.8.8:80", "")]


def test_a_port_forwards_error_is_about_the_pod_and_not_the_client() -> None:
    text = (
        b'E1122 portforward.go:424] "Unhandled Error" err="an error occurred forwarding 8080 -> 80: '
        b"failed to execute portforward in network namespace: failed to connect to localhost:80 inside namespace, "
        b'IPv4: dial tcp4 127.0.0.1:80: connect: connection refused"'
    )
    told = {one.means for one in mentions(failures_in(text), KNOWN, timed=False)}
    assert told == {"localhost inside the pod of a port-forward: nothing listens on 80 there; ask pod/NAME:80"}


def test_the_most_told_targets_are_diagnosed_each_once() -> None:
    told = [
        mention("svc/a:80"),
        mention("svc/b:80", 5),
        mention("svc/b:81"),
        mention("svc/c"),
        mention("svc/c:80", 9),
    ]
    found = targets(told, [refusal("svc/d", 3.0, None), refusal("svc/e", 3.0, 4.0)], "kubectl")
    assert [str(one) for one in found] == ["svc/b:80", "svc/a:80", "svc/b:81", "svc/c", "svc/d"]
    assert len(targets([mention(f"svc/x{n}") for n in range(20)], [], "kubectl")) == MOST_TARGETS


def test_what_no_service_can_be_called_is_not_diagnosed() -> None:
    assert targets([mention("svc/a_b:80"), mention("svc/a", namespace="No")], [], "kubectl") == []


def test_the_timeline_has_the_output_and_the_end_in_order() -> None:
    history = History()
    history.take(service(), -1.0)
    history.take(service("other"), -1.0)
    for at, ready in ((1.0, False), (4.0, True)):
        history.take(pod(ready=ready), at)
        history.take(pod("other-1", app="other", uid="2", ready=ready), at)
        history.take(slice_of(ready=ready), at)
    ran = Told(("go", "test"), 1, 9.0)
    told = [mention("svc/web:80")]
    refused = [one for one in refusals(Watched(history, 9.0)) if one.target == "svc/web"]
    moments = timeline(history, told, refused, ran)
    assert [(one.at, one.what) for one in moments] == [
        (0.0, "svc/web"), (0.0, "output"), (1.0, "pod/web-1"), (4.0, "pod/web-1"), (4.0, "svc/web"),
        (9.0, "the command"),
    ]  # fmt: skip


def test_a_long_timeline_is_cut_in_the_middle() -> None:
    moments = [Moment(at=float(n), what="pod/x", namespace="", says="y") for n in range(MOST_MOMENTS + 5)]
    made = explanation(
        Told(), [], [], moments, [], context="", namespace="", gaps=[], touched=[], complete=True
    )  # fmt: skip
    assert len(made.timeline) == MOST_MOMENTS + 1
    assert made.timeline[MOST_MOMENTS // 2].says == "5 more"
    assert made.timeline[-1].at == MOST_MOMENTS + 4
