"""Whose an address is: by every way in which an error can spell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.snapshot import Change, Snapshot, fold
from kubectl_refused.resolve.error_places import Place
from kubectl_refused.trace.history import History
from kubectl_refused.trace.linking import Known, link, unlinked
from tests.watched import pod, service, slice_of

ALIAS = service("db", "", type="ExternalName", externalName="db.example.com.")


def snapshot() -> Snapshot:
    values = (service(externalIPs=["192.0.2.9"]), pod(), slice_of(), ALIAS)
    return fold(Change(1.0, value=value) for value in values)


def past() -> History:
    history = History()
    history.take(service(), -1.0)
    history.take(pod("web-0", uid="0", address="10.1.0.9"), -1.0)
    history.remove("Pod", "shop", "web-0", 3.0)
    return history


KNOWN = Known(
    snapshot(),
    "shop",
    past(),
    {"10.0.0.1": Holder("Node", "", "node1"), "10.9.9.9": Holder("Service", "infra", "cache"),
     "10.1.7.7": Holder("Pod", "infra", "cache-1"), "10.7.7.7": Holder()},
)  # fmt: skip


@pytest.mark.parametrize(
    ("host", "port", "means", "namespace", "target"),
    [
        ("10.96.3.7", 80, "svc/web", "shop", ("web", "80")),
        ("192.0.2.9", 0, "svc/web", "shop", ("web", "")),
        ("10.1.0.1", 8080, "pod/web-1", "shop", ("web", "80")),
        ("10.1.0.1", 9999, "pod/web-1", "shop", ("web", "")),
        ("10.1.0.9", 8080, "pod/web-0, gone after 3.0 s", "shop", ("web", "80")),
        ("10.0.0.1", 30080, "node/node1, a node port", "shop", ("web", "80")),
        ("10.0.0.1", 22, "node/node1", "", ("", "")),
        ("10.9.9.9", 6379, "svc/cache", "infra", ("cache", "6379")),
        ("10.1.7.7", 6379, "pod/cache-1", "infra", ("", "")),
        ("web", 80, "svc/web", "shop", ("web", "80")),
        ("web.shop", 80, "svc/web", "shop", ("web", "80")),
        ("absent.other.svc", 80, "svc/absent", "other", ("absent", "80")),
        ("web.shop.svc.cluster.local", 0, "svc/web", "shop", ("web", "")),
        ("web-0.web.shop.svc.cluster.local", 80, "pod/web-0", "shop", ("web", "80")),
        ("db.example.com", 5432, "svc/db", "shop", ("db", "5432")),
    ],
)
def test_what_is_here(host: str, port: int, means: str, namespace: str, target: tuple[str, str]) -> None:
    found = link(Place(host, port), KNOWN)
    assert found is not None
    assert (found.means, found.namespace, (found.service, found.port)) == (means, namespace, target)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "169.254.169.254"])
def test_who_asks_itself(host: str) -> None:
    found = link(Place(host, 80), KNOWN)
    assert found is not None
    assert (found.service, "nothing of the cluster" in found.means) == ("", True)


@pytest.mark.parametrize("host", ["10.7.7.7", "10.8.8.8", "fd00::9", "absent", "web.other", "example.com"])
def test_what_is_nobodys(host: str) -> None:
    assert link(Place(host, 80), KNOWN) is None


def test_only_addresses_that_nothing_read_has_are_asked_for() -> None:
    places = [Place(host, 80) for host in ("10.96.3.7", "10.8.8.8", "10.8.8.8", "absent", "127.0.0.1", "10.1.0.9")]
    assert unlinked(places, Known(snapshot(), "shop", past())) == ["10.8.8.8"]


def test_a_bare_name_that_several_namespaces_have_is_the_own_ones() -> None:
    assert link(Place("web", 80), Known(snapshot(), "elsewhere")) is not None
    twice = fold(Change(1.0, value=one) for one in (service(), _in("other")))
    assert link(Place("web", 80), Known(twice, "elsewhere")) is None
    home = link(Place("web", 80), Known(twice, "other"))
    assert home is not None
    assert home.namespace == "other"


def _in(namespace: str) -> Service:
    one = service()
    return replace(one, metadata=replace(one.metadata, namespace=namespace))


@given(st.text(min_size=1, max_size=80), st.integers(0, 65535))
def test_any_host_ends_well(host: str, port: int) -> None:
    found = link(Place(host.lower(), port), KNOWN)
    assert found is None or found.means
