"""Requests: what is sent, what comes back, and which error each bad day becomes."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import msgspec
import pytest

from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import (
    ApiProblem,
    Cancelled,
    ConnectionProblem,
    CredentialsProblem,
    Forbidden,
    NotFound,
    Unreachable,
)
from kubectl_refused.connection.options import ConnectionOptions
from tests.connection.conftest import Connecting
from tests.connection.fake_api import CERTIFICATES, Answer, Seen, serving, status

LONG = 15.0  # seconds that a bad server is silent or slow for; its threads end with the process
PODS = "/api/v1/namespaces/shop/pods"


def test_credentials_and_impersonation_are_on_every_request(connecting: Connecting) -> None:
    options = {
        "token": "secret-1",
        "impersonate_user": "jane",
        "impersonate_uid": "7",
        "impersonate_groups": ("devs", "ops"),
        "impersonate_extra": ("example.com/Team=a", "example.com/Team=b"),
    }
    with connecting(lambda _: Answer(body={"items": []}), tls=True, **options) as (connection, fake):
        connection.get_bytes(PODS)
        connection.create(PODS, {"kind": "Pod"})
        connection.patch(f"{PODS}/x", {"a": 1}, "application/merge-patch+json", dry_run=True)
        connection.delete(f"{PODS}/x", uid="u-1")
    assert [seen.method for seen in fake.seen] == ["GET", "POST", "PATCH", "DELETE"]
    for seen in fake.seen:
        assert seen.header("Authorization") == ["Bearer secret-1"]
        assert seen.header("Impersonate-User") == ["jane"]
        assert seen.header("Impersonate-Uid") == ["7"]
        assert seen.header("Impersonate-Group") == ["devs", "ops"]
        assert seen.header("Impersonate-Extra-example.com%2FTeam") == ["a", "b"]
    assert fake.seen[2].query == {"dryRun": "All"}
    assert fake.seen[2].header("Content-Type") == ["application/merge-patch+json"]
    deleted = json.loads(fake.seen[3].body)
    assert (deleted["propagationPolicy"], deleted["preconditions"]) == ("Background", {"uid": "u-1"})
    assert connection.requests_made == 4


def test_no_credentials_over_plain_http(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(), token="secret-1") as (connection, fake):
        connection.get_bytes("/version")
    assert fake.seen[0].header("Authorization") == []


def test_client_certificate_is_presented(connecting: Connecting) -> None:
    pair = {"client_certificate": str(CERTIFICATES / "client.crt"), "client_key": str(CERTIFICATES / "client.key")}
    with connecting(lambda _: Answer(), tls=True, **pair) as (connection, fake):
        connection.get_bytes("/version")
    assert fake.seen[0].client_name == "jane"


def test_compression_is_asked_for_and_undone(connecting: Connecting) -> None:
    text = json.dumps({"items": [{"n": index} for index in range(90_000)]}).encode()
    packed = gzip.compress(text, 1)

    def answer(seen: Seen) -> Answer:
        wants = seen.header("Accept-Encoding") == ["gzip"]
        return Answer(body=packed if wants else text, headers={"Content-Encoding": "gzip"} if wants else {})

    with connecting(answer) as (connection, _):
        assert connection.get_bytes(PODS) == text
        assert connection.bytes_read == len(packed)
    with connecting(answer, disable_compression=True) as (connection, fake):
        assert connection.get_bytes(PODS) == text
    assert fake.seen[0].header("Accept-Encoding") == ["identity"]


def test_pages_follow_the_continue_token(connecting: Connecting) -> None:
    def answer(seen: Seen) -> Answer:
        start = int(seen.query.get("continue", "0"))
        items = [{"n": n} for n in range(start, min(start + int(seen.query["limit"]), 5))]
        more = {"continue": str(start + 2)} if start + 2 < 5 else {}
        return Answer(body={"metadata": more, "items": items or None})

    with connecting(answer) as (connection, fake):
        pages = list(connection.list_items(PODS, [("labelSelector", "a=b")], page_size=2))
    numbers = [msgspec.json.decode(item)["n"] for page in pages for item in page]
    assert numbers == [0, 1, 2, 3, 4]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert all(seen.query["labelSelector"] == "a=b" for seen in fake.seen)


@pytest.mark.parametrize("server_offers_a_token", [True, False])
def test_an_expired_continue_token_restarts_once(connecting: Connecting, server_offers_a_token: bool) -> None:
    fresh = {"metadata": {"continue": "fresh"}} if server_offers_a_token else {}

    def answer(seen: Seen) -> Answer:
        token = seen.query.get("continue", "")
        if token == "old":
            return status(410, "Expired", "The provided continue parameter is too old", **fresh)
        if token == "fresh":
            return Answer(body={"metadata": {}, "items": [{"n": 2}]})
        more = {"continue": "old"} if sum("continue" not in s.query for s in fake.seen) == 1 else {}
        return Answer(body={"metadata": more, "items": [{"n": 1}]})

    with connecting(answer) as (connection, fake):
        pages = list(connection.list_items(PODS))
    numbers = [msgspec.json.decode(item)["n"] for page in pages for item in page]
    assert numbers == ([1, 2] if server_offers_a_token else [1, 1])
    assert len(fake.seen) == 3


def test_a_token_that_expires_twice_is_an_error(connecting: Connecting) -> None:
    def answer(seen: Seen) -> Answer:
        if "continue" in seen.query:
            return status(410, "Expired", "too old", metadata={"continue": "again"})
        return Answer(body={"metadata": {"continue": "old"}, "items": []})

    with connecting(answer) as (connection, fake), pytest.raises(ApiProblem, match="410 Expired"):
        list(connection.list_items(PODS))
    assert len(fake.seen) == 3


def test_forbidden_says_verb_resource_and_namespace(connecting: Connecting) -> None:
    message = (
        'networkpolicies.networking.k8s.io is forbidden: User "jane" cannot list resource "networkpolicies" '
        'in API group "networking.k8s.io" in the namespace "shop"'
    )
    with (
        connecting(lambda _: status(403, "Forbidden", message)) as (connection, _),
        pytest.raises(Forbidden) as caught,
    ):
        connection.get_bytes("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies")
    problem = caught.value
    assert (problem.verb, problem.resource) == ("list", "networkpolicies.networking.k8s.io")
    assert (problem.namespace, problem.by_admission) == ("shop", False)
    assert "kubectl auth can-i list networkpolicies.networking.k8s.io -n shop" in problem.message


def test_forbidden_by_a_quota_is_no_missing_right(connecting: Connecting) -> None:
    message = 'pods "probe" is forbidden: exceeded quota: tight, requested: pods=1, used: pods=3, limited: pods=3'
    with (
        connecting(lambda _: status(403, "Forbidden", message)) as (connection, _),
        pytest.raises(Forbidden) as caught,
    ):
        connection.create(PODS, {"kind": "Pod"})
    assert caught.value.by_admission
    assert (caught.value.verb, caught.value.resource, caught.value.namespace) == ("create", "pods", "shop")
    assert "exceeded quota: tight" in caught.value.message


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (status(401, "Unauthorized", "Unauthorized"), CredentialsProblem, "does not accept the credentials"),
        (
            status(404, "NotFound", 'pods "x" not found', details={"name": "x", "kind": "pods"}),
            NotFound,
            "not found",
        ),
        (Answer(404, b"404 page not found\n"), NotFound, "has no pods"),
        (status(409, "Conflict", "the UID differs"), ApiProblem, "409 Conflict: the UID differs"),
        (status(500, "InternalError", "etcd is sad\x1b[31m\u202e"), ApiProblem, r"etcd is sad \[31m$"),
        (Answer(302, b"", {"Location": "http://127.0.0.1:1/"}), ApiProblem, "302"),
        (Answer(200, b"<html>"), ApiProblem, "not the JSON expected"),
    ],
)
def test_each_answer_has_its_error(
    connecting: Connecting, answer: Answer, kind: type[ConnectionProblem], text: str
) -> None:
    with connecting(lambda _: answer) as (connection, _), pytest.raises(kind, match=text) as caught:
        connection.get(f"{PODS}/x", type=dict[str, str])
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message


def test_behind_a_proxy_path_an_applications_answer_is_no_error(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(401, b"log in first")) as (connection, fake):
        response = connection.get_response(f"{PODS}/x:8080/proxy/", limit=3)
    assert (response.status, response.body, response.truncated) == (401, b"log", True)
    assert response.api_status() is None
    assert len(fake.seen) == 1


def test_too_many_requests_waits_as_told(connecting: Connecting) -> None:
    def answer(_: Seen) -> Answer:
        busy = Answer(429, b"slow down", {"Retry-After": "1"})
        return busy if len(fake.seen) == 1 else Answer(body={"ok": True})

    start = time.monotonic()
    with connecting(answer) as (connection, fake):
        assert connection.get(PODS) == {"ok": True}
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize(("wait", "tries"), [("0", 3), ("60", 1)])
def test_too_many_requests_gives_up(connecting: Connecting, wait: str, tries: int) -> None:
    busy = Answer(429, b"slow down", {"Retry-After": wait})
    with connecting(lambda _: busy) as (connection, fake), pytest.raises(ApiProblem, match="429"):
        connection.create(PODS, {"kind": "Pod"})
    assert len(fake.seen) == tries


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("act", [_cut, _hang_up])
def test_a_broken_answer_is_asked_for_once_more(
    connecting: Connecting, act: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    def answer(_: Seen) -> Answer:
        return Answer(act=act) if len(fake.seen) == 1 else Answer(body={"ok": True})

    with connecting(answer) as (connection, fake):
        assert connection.get(PODS) == {"ok": True}
    assert len(fake.seen) == 2


def test_an_answer_that_stays_broken_is_one_clear_line(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(act=_cut)) as (connection, fake), pytest.raises(Unreachable, match="middle"):
        connection.get_bytes(PODS)
    assert len(fake.seen) == 2


def test_a_change_is_never_sent_twice(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(act=_hang_up)) as (connection, fake), pytest.raises(Unreachable):
        connection.create(PODS, {"kind": "Pod"})
    assert len(fake.seen) == 1


def _silence(_: BaseHTTPRequestHandler) -> None:
    time.sleep(LONG)


def _drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(int(LONG * 10)):
        handler.wfile.write(b"x")
        time.sleep(0.1)


def _drip_after_much(handler: BaseHTTPRequestHandler) -> None:
    much = 100_000  # bytes; whole pieces are gathered of such a body
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * much)
    for _ in range(int(LONG * 10)):
        handler.wfile.write(b"x")
        time.sleep(0.1)


@pytest.mark.parametrize("act", [_silence, _drip, _drip_after_much])
def test_a_slow_server_meets_the_time_limit(
    connecting: Connecting, act: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    start = time.monotonic()
    with connecting(lambda _: Answer(act=act), request_timeout="500ms") as (connection, _):
        with pytest.raises(Unreachable, match="does not answer in time"):
            connection.get_bytes(PODS)
        assert time.monotonic() - start < LONG / 2


@pytest.mark.parametrize("act", [_silence, _drip, _drip_after_much])
def test_cancel_ends_a_waiting_request_at_once(
    connecting: Connecting, act: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with connecting(lambda _: Answer(act=act)) as (connection, _):
        threading.Timer(0.3, connection.cancel.set).start()
        start = time.monotonic()
        with pytest.raises(Cancelled):
            connection.get_bytes(PODS)
        assert time.monotonic() - start < LONG / 2
        with pytest.raises(Cancelled):
            connection.server_version()


def test_a_clone_works_after_the_cancel(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(body={"gitVersion": "v1.34.4"}), tls=True, token="t") as (connection, fake):
        connection.cancel.set()
        clone = connection.clone()
        assert clone.server_version().gitVersion == "v1.34.4"
        clone.close()
    assert fake.seen[0].header("Authorization") == ["Bearer t"]
    assert (connection.requests_made, clone.requests_made) == (0, 1)


def test_a_clone_has_limits_of_its_own(connecting: Connecting) -> None:
    start = time.monotonic()
    with connecting(lambda _: Answer(act=_silence)) as (connection, _):
        with pytest.raises(Unreachable, match="does not answer in time"):
            connection.clone(timeout=0.3).get_bytes(PODS)
        assert time.monotonic() - start < LONG / 2


def _closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def test_nobody_at_the_address() -> None:
    connection = connect(ConnectionOptions(server=f"https://127.0.0.1:{_closed_port()}", token="t"))
    with pytest.raises(Unreachable, match=r"https://127.0.0.1:\d+ refuses the connection; is the cluster running"):
        connection.get_bytes(PODS)


def test_a_name_that_does_not_resolve() -> None:
    connection = connect(ConnectionOptions(server="https://no-such-host.invalid", token="t"))
    with pytest.raises(Unreachable, match=r"no-such-host\.invalid cannot be resolved"):
        connection.get_bytes(PODS)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"certificate_authority": str(CERTIFICATES / "other-ca.crt")},
            r"certificate of https://127.0.0.1:\d+ is not",
        ),
        ({"tls_server_name": "elsewhere.test"}, "is not trusted: Hostname mismatch"),
    ],
)
def test_untrusted_certificates(connecting: Connecting, options: dict[str, str], text: str) -> None:
    with (
        connecting(lambda _: Answer(), tls=True, **options) as (connection, _),
        pytest.raises(Unreachable, match=text),
    ):
        connection.get_bytes(PODS)


def test_tls_to_a_server_without() -> None:
    with serving(lambda _: Answer()) as plain:
        connection = connect(ConnectionOptions(server=plain.address.replace("http:", "https:"), token="t"))
        with pytest.raises(Unreachable, match="does not speak TLS"):
            connection.get_bytes(PODS)


def test_the_server_name_and_no_verification(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(), tls=True, tls_server_name="api.test") as (connection, _):
        assert connection.get_bytes(PODS) == b"{}"
    with serving(lambda _: Answer(), tls=True) as fake:
        connection = connect(ConnectionOptions(server=fake.address, insecure_skip_tls_verify=True, token="t"))
        assert connection.get_bytes(PODS) == b"{}"


def test_can_i_asks_the_server(connecting: Connecting) -> None:
    def answer(seen: Seen) -> Answer:
        asked = json.loads(seen.body)["spec"]["resourceAttributes"]
        return Answer(201, {"status": {"allowed": asked == wanted}})

    wanted = {"verb": "create", "resource": "pods", "subresource": "exec", "namespace": "shop"}
    with connecting(answer) as (connection, _):
        assert connection.can_i("create", "pods", subresource="exec", namespace="shop")
        assert not connection.can_i("create", "pods", namespace="shop")


def test_many_threads_share_one_connection(connecting: Connecting) -> None:
    found: list[str] = []
    with connecting(lambda seen: Answer(body={"path": seen.path}), tls=True, token="t") as (connection, fake):

        def work(number: int) -> None:
            for turn in range(10):
                path = f"{PODS}/{number}-{turn}"
                found.append("same" if connection.get(path)["path"] == path else "mixed up")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert found == ["same"] * 80
    assert connection.requests_made == 80
    assert all(seen.header("Authorization") == ["Bearer t"] for seen in fake.seen)
