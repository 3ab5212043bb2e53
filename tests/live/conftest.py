"""The clusters of the live tests, shared by all workers and left as they were found.

Nothing starts before the first test asks. A cluster the suite started is taken down by the
last worker to finish, unless `KEEP=1`; one that was up before is used and left alone. To
know the last, every process that collected live tests holds a shared file lock.
"""

from __future__ import annotations

import fcntl
import functools
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from xdist.remote import Producer

from tests.cluster import api
from tests.cluster.api import Cluster, ClusterOptions
from tests.cluster.cache import cache_root, locked
from tests.cluster.gateway_api import install_gateway_api
from tests.cluster.options import state_of

from . import small_shop
from .scheduling import ByPlace

CLUSTERS = {
    "nftables": ClusterOptions(name="kr", proxy_mode="nftables"),
    "iptables": ClusterOptions(name="kr-iptables", proxy_mode="iptables"),
}
BREAKABLE = ClusterOptions(name="breakable")
ACCOUNT_SECONDS = 20.0
HERE = Path(__file__).parent
USERS = pytest.StashKey[IO[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a real cluster, and is marked so."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.live)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPlace:
    """Tests that share a place go to one worker."""
    return ByPlace(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Hold the users' lock before any test runs, so that no worker ends a cluster another needs."""
    if any(item.path.is_relative_to(HERE) for item in session.items) and not session.config.option.collectonly:
        session.config.stash[USERS] = users_lock()
        fcntl.flock(session.config.stash[USERS], fcntl.LOCK_SH)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last process to let go of the lock takes down what the suite started."""
    if session.config.option.collectonly:
        return
    with session.config.stash.get(USERS, None) or users_lock() as users:
        fcntl.flock(users, fcntl.LOCK_UN)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for options in CLUSTERS.values():
            if made_by_tests(options.name).exists() and not os.environ.get("KEEP"):
                api.down(options.name)


def users_lock() -> IO[str]:
    """The open lock file."""
    path = cache_root() / "locks" / "live-tests.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w")


def made_by_tests(name: str) -> Path:
    """The mark of a cluster that the suite started and so must end."""
    return state_of(name) / "made-by-tests"


@functools.cache
def running(proxy_mode: str) -> Cluster:
    """The suite's cluster for that mode, started if it is not up."""
    options = CLUSTERS[proxy_mode]
    with locked(f"live-{options.name}"):
        before = api.find(options.name)
        cluster = api.up(options)
        if before is None and not os.environ.get("KEEP"):
            made_by_tests(options.name).touch()
    install_gateway_api(cluster)
    return cluster


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """The cluster whose kube-proxy uses nftables, or the one of the mode given as parameter."""
    return running(getattr(request, "param", "nftables"))


@pytest.fixture(scope="module")
def breakable() -> Cluster:
    """A cluster that nobody else uses, for tests that break nodes, proxies or DNS and mend them again."""
    return api.up(BREAKABLE)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the cluster to break behind its last test: an idle cluster takes a fifth of a core from the others."""
    if "breakable" in fixtures_of(item) and "breakable" not in fixtures_of(nextitem):
        api.down(BREAKABLE.name)


def fixtures_of(item: pytest.Item | None) -> list[str]:
    """The names of the fixtures that a test asks for."""
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A fresh namespace that takes pods; its deletion is not waited for."""
    name = fresh_namespace(cluster)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with the Services of small_shop.py, which no test may change."""
    name = fresh_namespace(cluster)
    small_shop.furnish(cluster, name)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def fresh_namespace(cluster: Cluster, labels: dict[str, str] | None = None) -> str:
    """Make a namespace with a random name and wait for its account, without which pods are refused."""
    client, name = cluster.client(), f"live-{secrets.token_hex(4)}"
    client.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels or {}}})
    deadline = time.monotonic() + ACCOUNT_SECONDS
    while not client.call("GET", f"/api/v1/namespaces/{name}/serviceaccounts")["items"]:
        assert time.monotonic() < deadline, f"namespace {name} got no service account"
        time.sleep(0.05)
    return name
