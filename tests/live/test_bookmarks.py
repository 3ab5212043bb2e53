"""What is followed goes on from where a bookmark of the real API server says that it may."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import pytest

from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.watch import version_of, watch
from kubectl_refused.sources import following
from kubectl_refused.sources.following import Following
from kubectl_refused.sources.scan import ScanSource
from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .seats import wait_until

SERVICES = "/api/v1/namespaces/{}/services"
NEW = {"metadata": {"name": "new"}, "spec": {"ports": [{"port": 80}]}}
# The API server sends one 2 s before the watch ends, a second more or less (`nextBookmarkTime` in
# apiserver/pkg/storage/cacher/cache_watcher.go and the timer of `dispatchEvents` in cacher.go, Kubernetes 1.34).
SECONDS = 5.0
LONGEST = 30.0  # seconds; the machine may be busy


@dataclass
class Watched:
    """One watch: the version from which it began, and what it told: (ADDED|…|BOOKMARK, version)."""

    path: str
    since: str
    told: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def watches(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    """Every watch from here on; they are short."""
    seen: list[Watched] = []

    def seeing(
        connection: Connection, path: str, query: Iterable[tuple[str, str]], seconds: float, *, bookmarks: bool
    ) -> Iterator[tuple[str, msgspec.Raw]]:
        query = list(query)
        one = Watched(path, dict(query)["resourceVersion"])
        seen.append(one)
        for event, raw in watch(connection, path, query, seconds, bookmarks=bookmarks):
            one.told.append((event, version_of(raw)))
            yield event, raw

    monkeypatch.setattr(following, "watch", seeing)
    monkeypatch.setattr(following, "WINDOW", SECONDS)
    monkeypatch.setattr(following, "AGAIN", 0.01)
    return seen


def test_a_watch_goes_on_from_a_bookmark(cluster: Cluster, namespace: str, watches: list[Watched]) -> None:
    """There is one because Services elsewhere change: no watch is told a version that it had from the start."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(
            contextlib.closing(connect(ConnectionOptions(kubeconfig=str(cluster.kubeconfig))))
        )
        elsewhere = fresh_namespace(cluster)
        stack.callback(cluster.client().call, "DELETE", f"/api/v1/namespaces/{elsewhere}")
        live = stack.enter_context(Following(ScanSource(connection, namespace)))
        cluster.client().create(SERVICES.format(elsewhere), NEW)
        mine = SERVICES.format(namespace)
        wait_until(lambda: told_something(watches, mine), watches)
        first, second = told_something(watches, mine)[0]
        assert {event for event, _ in first.told} == {"BOOKMARK"}
        assert int(second.since) > int(first.since)
        assert second.since == first.told[-1][1]
        cluster.client().create(mine, NEW)
        assert live.wait(LONGEST)
        assert live.take() == {("Service", namespace, "new")}


def told_something(watches: list[Watched], path: str) -> list[tuple[Watched, Watched]]:
    """The watches of that path that were told something, each with the next one."""
    return [(one, after) for one, after in pairwise([one for one in watches if one.path == path]) if one.told]
