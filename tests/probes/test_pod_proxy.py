"""What answers through the API server's proxies say of the dial, and which proxy dials what."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.connection.answers import Response
from kubectl_refused.connection.errors import NotFound, Unreachable
from kubectl_refused.connection.port_forward import ForwardResult
from kubectl_refused.model.facts import HANDSHAKE, Dial
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import (
    EndpointConditions,
    EndpointSlice,
    Metadata,
    ObjectReference,
    Pod,
    PodStatus,
    Service,
    ServicePort,
    ServiceSpec,
    SliceEndpoint,
)
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.snapshot import Change, Snapshot, fold
from kubectl_refused.probes.pod_proxy import PodProxy, route_to
from kubectl_refused.probes.proxy_answers import speaks_of, verdict_of
from kubectl_refused.trace.veils import refused_behind
from tests.fakes import ask, probe_context


def pod(name: str, ip: str, phase: str = "Running") -> Pod:
    return Pod(metadata=Metadata(name=name, namespace="shop"), status=PodStatus(phase=phase, pod_ip=ip))


def service(name: str, ip: str, *ports: ServicePort) -> Service:
    spec = ServiceSpec(cluster_ip=ip, cluster_ips=(ip, "fd00::9"), ports=ports)
    return Service(metadata=Metadata(name=name, namespace="shop"), spec=spec)


def snapshot(*objects: Any) -> Snapshot:
    return fold([Change(0, value=value) for value in objects])


SEEN = snapshot(
    pod("done", "10.1.0.5", "Succeeded"),
    pod("web-1", "10.1.0.5"),
    pod("six", "fd00::5"),
    service("web", "10.96.0.9", ServicePort(port=80), ServicePort(port=53, protocol="UDP")),
)


def status(code: int, message: str) -> Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "message": message}
    return Response(code, body=json.dumps(body).encode())


ENVOY = (
    b"upstream connect error or disconnect/reset before headers. reset reason: connection failure, "
    b"transport failure reason: delayed connect error: 111"
)
# Of 1.40, which tells no errno.
NEWER = b"upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
LINKERD = {"l5d-proxy-error": "error trying to connect: Connection refused (os error 111)"}


# As Go quotes a record of type alert that came in an HTTP answer's place.
TLS_ALERT = (
    r'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02\x16"'
)


@pytest.mark.parametrize(
    ("response", "behind"),
    [
        (Response(503, body=ENVOY), True),
        (Response(502, headers=LINKERD), True),
        (Response(503, body=b"upstream connect error or disconnect/reset before headers. reset: overflow"), False),
        (Response(503, body=b"maintenance"), False),
        (Response(200, body=ENVOY), False),
        (Response(503, body=NEWER), True),
        (Response(503, body=NEWER + b", transport failure reason: TLS_error:|268435703"), False),
    ],
)
def test_a_proxy_before_the_app_tells_that_it_was_refused(response: Response, behind: bool) -> None:
    verdict = verdict_of(response)
    assert not isinstance(verdict, Gap)
    outcome, detail = verdict
    assert outcome is Outcome.ACCEPTED, "the proxy did accept"
    assert refused_behind(Handshake("10.1.0.5", 80, outcome, 0.01, "pod-proxy", detail=detail)) is behind


def reaching(text: str) -> Response:
    return status(503, f"error trying to reach service: {text}")


@pytest.mark.parametrize(
    ("dial", "path", "shown"),
    [
        (Dial("10.1.0.5", 8080), "pods/web-1%3A8080", "the pod proxy to pod/web-1:8080"),
        (Dial("fd00::5", 1), "pods/six%3A1", "the pod proxy to pod/six:1"),
        (Dial("10.96.0.9", 80), "services/web%3A80", "the service proxy to svc/web:80"),
        (Dial("fd00::9", 80), "services/web%3A80", "the service proxy to svc/web:80"),
    ],
)
def test_each_address_has_its_proxy(dial: Dial, path: str, shown: str) -> None:
    route = route_to(dial, SEEN)
    assert route is not None
    assert (route.path, route.shown) == (f"/api/v1/namespaces/shop/{path}/proxy/", shown)


@pytest.mark.parametrize(
    "dial", [Dial("10.96.0.9", 53), Dial("10.96.0.9", 81), Dial("169.254.169.254", 80), Dial("web", 80)]
)
def test_nothing_else_is_dialled(dial: Dial) -> None:
    context = probe_context(snapshot=SEEN)
    (gap,) = ask(PodProxy(ask=never), context, HANDSHAKE, dial)
    assert isinstance(gap, Gap)
    assert context.ledger.entries == ()


def never(*_: object) -> Response:
    raise AssertionError("nothing should be asked")


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (reaching("dial tcp 10.1.0.5:9999: connect: connection refused"), Outcome.REFUSED),
        (reaching("dial tcp 10.1.0.5:8080: i/o timeout"), Outcome.TIMEOUT),
        (reaching("dial tcp 10.1.0.5:8080: connect: connection timed out"), Outcome.TIMEOUT),
        (reaching("dial tcp 10.1.0.5:8080: connect: no route to host"), Outcome.UNREACHABLE),
        (reaching("dial tcp 10.1.0.5:8080: connect: connection reset by peer"), Outcome.RESET),
        (reaching("read tcp 10.0.0.1:4->10.1.0.5:8080: read: connection reset by peer"), Outcome.ACCEPTED),
        (
            reaching('net/http: HTTP/1.x transport connection broken: malformed HTTP status code "mail"'),
            Outcome.ACCEPTED,
        ),
        (reaching('malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02"'), Outcome.ACCEPTED),
        (reaching("EOF"), Outcome.ACCEPTED),
        (reaching("unexpected EOF"), Outcome.ACCEPTED),
        (status(503, 'no endpoints available for service "web"'), Outcome.REJECTED),
        (Response(200, body=b"<html>"), Outcome.ACCEPTED),
        (Response(302), Outcome.ACCEPTED),
        (Response(401, body=b"who?"), Outcome.ACCEPTED),
        (Response(503, body=b'{"error": "upstream"}'), Outcome.ACCEPTED),
        (status(403, 'forbidden: User "system:anonymous" cannot get path "/"'), Outcome.ACCEPTED),
        (status(404, "the server could not find the requested resource"), Outcome.ACCEPTED),
    ],
)
def test_texts_and_their_outcomes(response: Response, outcome: Outcome) -> None:
    verdict = verdict_of(response)
    assert not isinstance(verdict, Gap)
    assert verdict[0] is outcome


@pytest.mark.parametrize(
    ("target", "ready", "outcome"),
    [
        (None, True, None),
        (None, None, None),
        (None, False, Outcome.REJECTED),
        (ObjectReference(kind="Pod", name="web-1"), True, Outcome.REJECTED),
    ],
)
def test_endpoints_that_the_service_proxy_passes_over_are_not_called_absent(
    target: ObjectReference | None, ready: bool | None, outcome: Outcome | None
) -> None:
    """It takes only those that name a pod; seen live with Endpoints written by hand."""
    endpoint = SliceEndpoint(("10.0.0.9",), EndpointConditions(ready=ready), target_ref=target)
    labels = {"kubernetes.io/service-name": "web"}
    by_hand = EndpointSlice(Metadata(name="by-hand", namespace="shop", labels=labels), endpoints=(endpoint,))
    seen = snapshot(service("web", "10.96.0.9", ServicePort(port=80)), by_hand)
    refusal = status(503, 'no endpoints available for service "web"')
    method = PodProxy(ask=lambda connection, path, seconds: refusal)
    (answer,) = ask(method, probe_context(snapshot=seen), HANDSHAKE, Dial("10.96.0.9", 80))
    assert (answer.outcome if isinstance(answer, Handshake) else None) is outcome
    assert outcome or "passes over" in answer.because


@pytest.mark.parametrize(
    ("response", "speaks"),
    [
        (Response(404, body=b"none"), "http"),
        (reaching(TLS_ALERT), "tls"),
        (reaching("EOF"), ""),
    ],
)
def test_what_an_answer_tells_of_the_protocol(response: Response, speaks: str) -> None:
    verdict = verdict_of(response)
    assert not isinstance(verdict, Gap)
    assert speaks_of(verdict[1]) == speaks


@pytest.mark.parametrize(
    ("response", "because"),
    [
        (
            reaching("proxy error from 127.0.0.1:6443 while dialing 10.42.1.78:8080, code 502: 502 Bad Gateway"),
            "tunnel",
        ),
        (reaching("No agent available"), "tunnel"),
        (reaching("x509: certificate signed by unknown authority"), "x509"),
        (status(400, "address not allowed"), "address not allowed"),
        (status(503, 'no service port 81 found for service "web"'), "no service port 81"),
        (status(404, 'pods "web-1" not found'), "not found"),
        (status(500, "Internal error"), "Internal error"),
        (status(401, "Unauthorized"), "Unauthorized"),
        (
            status(403, 'pods "web-1:80" is forbidden: User "j" cannot get resource "pods/proxy" in API group ""'),
            "forbidden: get pods/proxy",
        ),
    ],
)
def test_what_tells_nothing_of_the_dial_is_a_gap(response: Response, because: str) -> None:
    verdict = verdict_of(response)
    assert isinstance(verdict, Gap)
    assert because in verdict.because


@given(st.binary(max_size=200), st.text(max_size=100), st.integers(100, 599))
def test_hostile_answers_never_raise(body: bytes, text: str, code: int) -> None:
    for response in (Response(code, body=body), status(code, text), reaching(text)):
        assert verdict_of(response) is not None


def test_the_handshake_says_who_dialled_and_the_ledger_what_was_sent() -> None:
    context = probe_context(snapshot=SEEN)
    answer = lambda *_: reaching("dial tcp 10.1.0.5:9: connect: connection refused")  # noqa: E731
    (found,) = ask(PodProxy(ask=answer), context, HANDSHAKE, Dial("10.1.0.5", 9))
    assert (found.witness, found.source, found.outcome) == ("pod-proxy", "the API server", Outcome.REFUSED)
    assert found.detail == "dial tcp 10.1.0.5:9: connect: connection refused"
    assert context.ledger.entries == (("one GET / through the pod proxy to pod/web-1:9", "read only"),)


def silent(_: object, path: str, seconds: float) -> Response:
    time.sleep(seconds)
    raise Unreachable(f"{path} does not answer in time")


class Forward:
    """Stands for dial_by_port_forward and keeps what was sent."""

    def __init__(self, result: ForwardResult | Exception) -> None:
        self.result, self.sent = result, b""

    def __call__(self, *_: object, send: bytes) -> ForwardResult:
        self.sent = send
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_refused.probes.pod_proxy.EXTRA_SECONDS", 0.05)


@pytest.mark.usefixtures("quick")
def test_silence_is_a_timeout_where_localhost_answers() -> None:
    forward = Forward(ForwardResult(True, None, b"HTTP/1.1 200 OK", 0.01))
    context = probe_context(snapshot=SEEN, dial_timeout=0.05)
    (found,) = ask(PodProxy(silent, forward), context, HANDSHAKE, Dial("10.1.0.5", 80))
    assert found.outcome is Outcome.TIMEOUT
    assert forward.sent.startswith(b"GET / HTTP/1.1\r\n")
    assert ("port-forward to pod/web-1:80, one GET /", "closed") in context.ledger.entries


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "result",
    [
        ForwardResult(True, None, b"", 0.2),
        ForwardResult(False, "refused", b"", 0.1),
        NotFound("pods", "x", "gone"),
    ],
)
def test_silence_is_unclear_where_localhost_is_silent_too(result: Any) -> None:
    context = probe_context(snapshot=SEEN, dial_timeout=0.05)
    (gap,) = ask(PodProxy(silent, Forward(result)), context, HANDSHAKE, Dial("10.1.0.5", 80))
    assert isinstance(gap, Gap)
    assert "packets are dropped, or the application says nothing" in gap.because


def test_a_lost_api_server_ends_the_run() -> None:
    def lost(*_: object) -> Response:
        raise Unreachable("refuses the connection")

    with pytest.raises(Unreachable):
        ask(PodProxy(ask=lost), probe_context(snapshot=SEEN), HANDSHAKE, Dial("10.1.0.5", 80))
