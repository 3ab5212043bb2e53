"""429 of the real API server, for who has no seat on his priority level, with the Retry-After that it chooses.

See https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kubectl_refused.connection.client import connect
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.requests import MOST_TRIES
from tests.cluster.api import Cluster

from .people import Grant, person
from .seats import Seats, wait_until
from .test_signals import started, when
from .tool import RUN_SECONDS, Answer, refused, until

NAMES = ["one", "three", "two"]
GRANTS = (
    Grant("list", "pods"),
    Grant("list", "endpointslices", "discovery.k8s.io"),
    Grant("get", "services"),
    Grant("list", "services"),
)


@pytest.fixture
def seats(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Seats]:
    """Those of somebody who may read a namespace with three Services."""
    path = f"/api/v1/namespaces/{namespace}/services"
    for name in NAMES:
        cluster.client().create(path, {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
    with Seats(cluster, namespace, person(cluster, namespace, GRANTS, tmp_path)) as made:
        yield made


def test_a_scan_waits_until_there_is_a_seat(seats: Seats, namespace: str) -> None:
    words = ("scan", "-n", namespace, "--probe=none", "-o", "json")
    before = refused(seats.kubeconfig, *words)
    assert len(before.report["rows"]) == len(NAMES)
    after = until(lambda: refused_at_first(seats, *words), lambda answer: answer.out == before.out, RUN_SECONDS)
    assert after == before


def test_a_list_waits_for_a_seat_between_its_pages(seats: Seats, namespace: str) -> None:
    """Longer than a request is tried by itself."""
    with contextlib.closing(connect(ConnectionOptions(kubeconfig=str(seats.kubeconfig)))) as connection:
        pages = connection.list_pages(f"/api/v1/namespaces/{namespace}/services", page_size=1)
        items = list(next(pages).items)
        seats.take()
        before = seats.refused
        rest = threading.Thread(target=lambda: items.extend(item for page in pages for item in page.items))
        rest.start()
        wait_until(lambda: seats.refused > before + MOST_TRIES)
        seats.give()
        rest.join(RUN_SECONDS)
    assert [msgspec.json.decode(item)["metadata"]["name"] for item in items] == NAMES


def test_who_never_has_a_seat_is_told_so(seats: Seats, namespace: str) -> None:
    seats.take()
    answer = refused(seats.kubeconfig, "svc/one", "-n", namespace, "--probe=none", "-o", "json")
    busy = ("the API server answers 429, too many requests", "try again later")
    assert answer.code == 3
    assert {(gap["what"], gap["because"], gap["remedy"]) for gap in answer.report["gaps"]} == {
        ("Services", *busy),
        ("EndpointSlices", *busy),
    }
    assert answer.err == ""


def refused_at_first(seats: Seats, *words: str) -> Answer:
    """A run that finds no seat; there are some once it has been refused one."""
    seats.take()
    before = seats.refused
    with started(seats.kubeconfig, *words) as process:
        when(lambda: seats.refused > before, process)
        seats.give()
        out, err = process.communicate(timeout=RUN_SECONDS)
        return Answer(process.returncode, out, err)
