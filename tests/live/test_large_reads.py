"""Long reads of an API server that restarts and forgets, which is the test's own and nobody else's."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from bench import crowd
from bench.control_plane import ControlPlane, control_plane
from bench.filling import fill
from bench.multiplying import Etcd
from kubectl_refused.connection import paging
from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.model.objects import Service
from kubectl_refused.sources import following
from kubectl_refused.sources.following import Following
from kubectl_refused.sources.scan import ScanSource

from .cutting_proxy import CuttingProxy

SERVICES = 6
PODS = SERVICES * crowd.PODS_EACH
SPACE = "team-000"
LONG = (1.0,) * 300  # seconds; a busy machine takes long to start an API server
SECONDS = 300.0


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with a few Services, their pods and slices as objects."""
    with control_plane(tmp_path_factory.mktemp("plane")) as made:
        fill(made, SERVICES)
        yield made


@pytest.fixture
def connection(plane: ControlPlane) -> Iterator[Connection]:
    with contextlib.closing(connect(ConnectionOptions(kubeconfig=str(plane.kubeconfig)))) as made:
        yield made


def compact(plane: ControlPlane) -> None:
    etcd = Etcd(plane.ports[1])
    with contextlib.closing(etcd.connection):
        etcd.compact()


def names(page: paging.Page) -> list[str]:
    return [msgspec.json.decode(item)["metadata"]["name"] for item in page.items]


@pytest.mark.parametrize("forgets", [False, True], ids=["remembers", "forgets"])
def test_a_list_goes_on_after_a_restart_between_its_pages(
    plane: ControlPlane, connection: Connection, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    """Where etcd was compacted as well the token has expired: 410, and the server offers another."""
    monkeypatch.setattr(paging, "PATIENCE", LONG)
    pages = connection.list_pages(f"/api/v1/namespaces/{SPACE}/pods", page_size=10)
    read = names(next(pages))
    plane.end("kube-apiserver")
    if forgets:
        compact(plane)
    # The server ends with the thread that started it, so the rest is read in another.
    rest = threading.Thread(target=lambda: read.extend(name for page in pages for name in names(page)))
    rest.start()
    plane.start_api_server()
    rest.join(SECONDS)
    assert len(read) == PODS
    assert len(set(read)) == PODS


def test_what_is_followed_is_up_to_date_after_a_restart_that_forgot(
    plane: ControlPlane, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 2.0)
    path = f"/api/v1/namespaces/{SPACE}/services"
    with Following(ScanSource(connection, SPACE)) as live:
        assert sum(1 for _ in live.snapshot.services()) == SERVICES
        plane.client().call("PATCH", f"{path}/web-00001", {"metadata": {"labels": {"seen": "watched"}}})
        await_label(live, "watched")
        plane.end("kube-apiserver")
        plane.start_api_server()
        plane.client().call("DELETE", f"{path}/web-00002")
        plane.client().call("PATCH", f"{path}/web-00001", {"metadata": {"labels": {"seen": "again"}}})
        plane.end("kube-apiserver")
        compact(plane)
        plane.start_api_server()
        await_label(live, "again")
        assert await_service(live, "web-00002", lambda found: found is None) is None


@pytest.mark.parametrize("after", [6_000, 12_000, 18_000])
def test_a_list_goes_on_where_its_connection_was_cut(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """In the middle of an answer, wherever that is: no pod is missing, and none comes twice."""
    monkeypatch.setattr(paging, "PATIENCE", LONG)
    with CuttingProxy(plane.ports[0], after) as proxy:
        options = ConnectionOptions(kubeconfig=str(plane.kubeconfig), server=f"https://127.0.0.1:{proxy.port}")
        with contextlib.closing(connect(options)) as connection:
            pages = connection.list_pages(f"/api/v1/namespaces/{SPACE}/pods", page_size=10)
            read = [name for page in pages for name in names(page)]
    assert proxy.cut.is_set()
    assert (len(read), len(set(read))) == (PODS, PODS)


def await_label(live: Following, value: str) -> None:
    found = await_service(live, "web-00001", lambda one: one is not None and _label(one) == value)
    assert found is not None
    assert _label(found) == value


def _label(one: Service) -> str:
    return (one.metadata.labels or {}).get("seen", "")


def await_service(live: Following, name: str, holds: Callable[[Service | None], bool]) -> Service | None:
    """The Service as it is known once that holds, or at the end of the time."""
    end = time.monotonic() + SECONDS
    while True:
        live.take()
        found = live.snapshot.service(SPACE, name)
        if holds(found) or time.monotonic() > end:
            return found
        live.wait(1.0)
