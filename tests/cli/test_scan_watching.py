"""`scan --watch`: only what a change concerns is judged anew, and the answer is that of a new scan."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli import scan_watching
from kubectl_refused.cli.grounds import ClusterGround
from kubectl_refused.cli.options import SCAN
from kubectl_refused.cli.progress import Progress
from kubectl_refused.cli.scan_request import scan_request_of
from kubectl_refused.cli.scan_watching import ALL_ANEW, ScanWatch
from kubectl_refused.cli.scanning import ScanSurvey
from kubectl_refused.cli.watching import live_view
from kubectl_refused.connection.errors import Cancelled
from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.report import Report, Scan
from kubectl_refused.sources import following

from .fake_cluster import FakeCluster, behind, service
from .tool import environment

SECONDS = 30.0
NAMES = ("a", "b", "c", "d")


def alone(name: str, number: int) -> dict[str, Any]:
    """svc/NAME with an address that no other has."""
    one = service(name)
    return one | {"spec": one["spec"] | {"clusterIP": f"10.96.1.{number}"}}


MANY = [
    one for n, name in enumerate(NAMES, start=1) for one in (alone(name, n), *behind(name, address=f"10.1.0.{n}"))
]


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(following, "AGAIN", 0.01)
    monkeypatch.setattr(following, "GATHER", 0.1)


class Clock:
    """Stands still until a test moves it."""

    now = ALL_ANEW

    def __call__(self) -> float:
        return self.now


class Reports:
    """Has these, one after the other, and is then cancelled."""

    def __init__(self, reports: Iterable[Report]) -> None:
        self._reports = list(reports)

    def __enter__(self) -> Reports:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def report(self, say: Callable[[str], None]) -> Report:
        return self._reports.pop(0)

    def wait(self, seconds: float) -> bool:
        if not self._reports:
            raise Cancelled
        return True


@contextlib.contextmanager
def watching(cluster: FakeCluster, clock: Callable[[], float], namespace: str = "shop") -> Iterator[ScanWatch]:
    """A scan of namespace shop that dials nothing, and is told anew."""
    values = {"server": cluster.api.address, "token": "x", "namespace": namespace, "probe": "none"}
    request = scan_request_of(values, SCAN)
    ground = ClusterGround(request)
    try:
        with ScanWatch(ScanSurvey(ground, request, Progress()), clock) as live:
            yield live
    finally:
        ground.close()


def told(live: ScanWatch) -> dict[str, str]:
    """Every Service and its state."""
    report = live.report(lambda step: None)
    assert isinstance(report, Scan)
    return {row.target.removeprefix("svc/"): row.state for row in report.rows}


def unread(live: ScanWatch) -> set[str]:
    """What the report says was not read."""
    report = live.report(lambda step: None)
    assert isinstance(report, Scan)
    return {gap.what for gap in report.gaps}


def changed(live: ScanWatch) -> dict[str, str]:
    """The same after the next change."""
    assert live.wait(SECONDS)
    return told(live)


def without(*names: str, of: list[dict[str, Any]] = MANY) -> list[dict[str, Any]]:
    return [one for one in of if one["metadata"]["name"] not in names]


WORK = dict.fromkeys(NAMES, "works")


def test_only_what_changed_is_judged() -> None:
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        assert (told(live), live.judged) == (WORK, 4)
        assert (told(live), live.judged) == (WORK, 0), "nothing has changed"
        cluster.become(*without("b-1", "b-x"), *behind("b", ready=False, address="10.1.0.2"))
        assert (changed(live), live.judged) == (WORK | {"b": "unjudged"}, 1)
        cluster.become(*without("b-1", "b-x", "d"), *behind("b", ready=False, address="10.1.0.2"))
        expected = WORK | {"b": "unjudged"}
        del expected["d"]
        assert (changed(live), live.judged) == (expected, 1), "what is not well is looked at again"
        cluster.become(*MANY)
        assert (changed(live), live.judged) == (WORK, 2)
        assert len(cluster.lists) == 3, "nothing was read again"


def test_what_is_not_well_takes_turns_where_much_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_watching, "MOST_ANEW", 1)
    clock, ready = Clock(), [one for one in MANY if one["metadata"]["name"][0] not in "bc"]
    sick = [*ready, *without("b-1", "b-x", "c-1", "c-x", of=[one for one in MANY if one not in ready])]
    sick += [*behind("b", ready=False, address="10.1.0.2"), *behind("c", ready=False, address="10.1.0.3")]
    with FakeCluster(*sick).serving() as cluster, watching(cluster, clock) as live:
        assert (told(live)["b"], live.judged) == ("unjudged", 4)
        judged = []
        for number in range(4):
            clock.now += 1
            cluster.become(
                *sick, alone(f"new-{number}", 10 + number), *behind(f"new-{number}", address="10.1.1.9")
            )
            before = dict(live._judged_at)
            changed(live)
            judged += [name for (_, name), at in live._judged_at.items() if at > before.get(("shop", name), at)]
        assert judged == ["b", "c", "b", "c"]
        assert (told(live)["c"], live.judged) == ("unjudged", 2), "all of them where it is quiet"


def test_pods_of_one_address_concern_whom_that_address_serves() -> None:
    thief = behind("thief", address="10.1.0.3")[0]
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        told(live)
        cluster.become(*MANY, thief)
        changed(live)
        assert live.judged == 1


def test_now_and_then_all_is_judged_by_its_objects() -> None:
    clock = Clock()
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, clock) as live:
        told(live)
        clock.now += ALL_ANEW
        assert (told(live), live.judged) == (WORK, 4)
        assert len(cluster.lists) == 3


def test_a_watch_that_ends_goes_on_from_a_bookmark() -> None:
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        told(live)
        until(lambda: len(cluster.watches) == 3)
        cluster.bookmark()
        until(lambda: cluster.marked == 3)
        cluster.forget()  # from here on only who heard the bookmark can go on without reading anew
        time.sleep(0.2)
        cluster.cut()
        until(lambda: len(cluster.watches) == 6)
        cluster.become(*without("c"))
        assert set(changed(live)) == {"a", "b", "d"}
        assert len(cluster.lists) == 3
    versions = [seen.query["resourceVersion"] for seen in cluster.api.seen if "watch" in seen.query]
    assert versions == ["1"] * 3 + ["2"] * 3


def test_a_version_that_is_gone_is_made_good_by_reading_anew() -> None:
    cluster = FakeCluster(*MANY)
    cluster.gone = 3
    with cluster.serving(), watching(cluster, Clock()) as live:
        told(live)
        until(lambda: len(cluster.lists) == 6 and len(cluster.watches) == 6)
        cluster.become(*without("c"))
        until(lambda: "c" not in told(live))
        assert live.judged == 0, "to read the same again changes nothing"


def test_what_went_while_nobody_watched_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.05)
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        told(live)
        until(lambda: len(cluster.watches) == 3)
        cluster.watchable = False
        cluster.cut()
        until(lambda: len(cluster.watches) >= 6)
        cluster.become(*without("c", "d"))
        cluster.forget()
        cluster.watchable = True
        until(lambda: set(told(live)) == {"a", "b"})


def test_where_nothing_may_be_watched_it_is_read_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.05)
    cluster = FakeCluster(*MANY)
    cluster.watchable = False
    with cluster.serving(), watching(cluster, Clock()) as live:
        told(live)
        cluster.become(*without("c"))
        assert set(changed(live)) == {"a", "b", "d"}


@pytest.mark.parametrize(
    ("resource", "kind", "before"),
    [
        ("pods", "Pods", dict.fromkeys(NAMES, "unjudged")),
        ("endpointslices", "EndpointSlices", dict.fromkeys(NAMES, "unjudged")),
        ("services", "Services", {}),
    ],
)
def test_what_was_refused_at_first_is_read_once_it_is_granted(
    monkeypatch: pytest.MonkeyPatch, resource: str, kind: str, before: dict[str, str]
) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.05)
    cluster = FakeCluster(*MANY)
    cluster.refused = {resource}
    with cluster.serving(), watching(cluster, Clock()) as live:
        assert (told(live), unread(live)) == (before, {kind})
        until(lambda: len(cluster.lists) >= 5)
        assert not live.wait(0.0), "it is refused as before, which is no news"
        cluster.refused = set()
        until(lambda: told(live) == WORK)
        assert unread(live) == set()
        cluster.become(*without("c", "c-1", "c-x"))
        until(lambda: set(told(live)) == {"a", "b", "d"})  # it is watched like the others


def test_what_is_refused_later_stays_and_is_told_to_be_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.05)
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        assert (told(live), unread(live)) == (WORK, set())
        until(lambda: len(cluster.watches) == 3)
        cluster.refused = {"pods"}
        cutting(cluster, lambda: set(told(live).values()) == {"unjudged"})
        assert (unread(live), live.judged) == ({"Pods"}, 4)
        assert sum(1 for key in live._following.snapshot.objects if key[0] == "Pod") == len(NAMES)
        cluster.refused = set()
        until(lambda: (told(live), unread(live)) == (WORK, set()))


def test_a_log_tells_anew_that_something_is_not_read_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.05)
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        reports = [live.report(lambda step: None)] * 2
        until(lambda: len(cluster.watches) == 3)
        cluster.refused = {"services"}
        cutting(cluster, lambda: unread(live) == {"Services"})
        reports += [live.report(lambda step: None)] * 2
    told: list[Report] = []
    with pytest.raises(Cancelled):
        live_view(Reports(reports), told.append, lambda report: None, io.StringIO())
    assert told == reports[1:3]


def test_a_cluster_that_is_long_away_is_told_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.05)
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        told(live)
        until(lambda: len(cluster.watches) == 3)
        cluster.away = True
        cutting(cluster, lambda: unread(live) == {"Services", "EndpointSlices", "Pods"})
        assert set(told(live).values()) == {"unjudged"}
        cluster.away = False
        until(lambda: (told(live), unread(live)) == (WORK, set()))


def test_what_waits_is_one_entry_for_each_object() -> None:
    with FakeCluster(*MANY).serving() as cluster, watching(cluster, Clock()) as live:
        told(live)
        until(lambda: len(cluster.watches) == 3)
        for n in range(50):
            cluster.become(*without("a-1"), behind("a", address=f"10.1.1.{n}")[0])
        until(lambda: live._following._waiting.get(("Pod", "shop", "a-1")) is not None)
        assert live.wait(SECONDS)
        assert len(live._following._waiting) <= 1


def test_a_namespace_that_is_misspelt_is_told() -> None:
    with (
        FakeCluster(*MANY).serving() as cluster,
        pytest.raises(UsageProblem, match="no namespace 'shpo'"),
        watching(cluster, Clock(), "shpo"),
    ):
        pass


def test_as_a_process_with_metrics(tmp_path: Path) -> None:
    file = tmp_path / "refused.prom"
    with FakeCluster(*MANY).serving() as cluster:
        flags = ["-s", cluster.api.address, "--token=x", "-n", "shop", "--probe=none", "-o", "name"]
        process = subprocess.Popen(
            [sys.executable, "-m", "kubectl_refused", "scan", "--watch", f"--metrics-file={file}", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
        )
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in NAMES]
        assert first == [f"svc/{name} untried shop\n" for name in NAMES]
        assert 'refused_scan_services{state="works"} 4.0' in file.read_text()
        cluster.become(*without("d", "b", "c"))
        assert process.stdout.readline() == "svc/a untried shop\n"
        assert 'refused_scan_services{state="works"} 1.0' in file.read_text()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 130


def test_that_no_service_could_be_listed_is_told_at_once(tmp_path: Path) -> None:
    cluster = FakeCluster(*MANY)
    cluster.refused = {"services"}
    with cluster.serving():
        flags = ["-s", cluster.api.address, "--token=x", "-n", "shop", "--probe=none"]
        process = subprocess.Popen(
            [sys.executable, "-m", "kubectl_refused", "scan", "--watch", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "? no Service could be listed\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)


def cutting(cluster: FakeCluster, true: Callable[[], bool]) -> None:
    """Wait for a state, and end every watch meanwhile, also one that has only just begun."""

    def looked() -> bool:
        cluster.cut()
        return true()

    until(looked)


def until(true: Callable[[], bool]) -> None:
    """Wait for a state."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
