"""Where the causes about sockets and queues must say nothing, or less than proved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from kubectl_refused.causes import catalogue
from kubectl_refused.model.evidence import Certainty, Finding
from kubectl_refused.model.facts import EVENTS, INSIDE, LISTENERS, LOG, ContainerKey, InsideDial, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Listeners, Log, Outcome, Socket
from kubectl_refused.trace.rulings import views
from tests.scenery import dialled, endpoint_slice, pod, scene, service

POD = PodKey("shop", "web-1")
ASKED = "it said nothing when asked what it speaks"


def of(name: str, facts: Mapping[Need, Any], **changes: Any) -> list[Finding]:
    """What one cause says of svc/web with one pod, web-1 on 10.0.0.1."""
    one = pod(**changes)
    cause = next(c for c in catalogue() if c.name == name)
    whole = scene(one, endpoint_slice(one), facts={Need(EVENTS, POD): (), **facts})
    return [found for view in views(whole, cause.scope) for found in cause.check(view)]


def read(*sockets: Socket, **more: Any) -> dict[Need, Any]:
    return {Need(LISTENERS, POD): Listeners(sockets, "exec in web-1", **more)}


def server(waiting: int | None = 0, address: str = "0.0.0.0", port: int = 8080) -> Socket:
    return Socket(address, port, pid=1, process="httpd", waiting=waiting)


@pytest.mark.parametrize("waiting", [0, None])
def test_a_server_that_waits_for_its_clients_words_does_not_hang(waiting: int | None) -> None:
    """It accepted and read the question, which its protocol does not know; or one look saw a busy moment."""
    facts = {**dialled("10.0.0.1", 8080, Outcome.ACCEPTED, detail=ASKED), **read(server(waiting))}
    assert of("process_hung", facts) == []


def test_a_server_with_a_queue_that_was_not_asked_is_left_alone() -> None:
    facts = {**dialled("10.0.0.1", 8080, Outcome.ACCEPTED), **read(server(3))}
    assert of("process_hung", facts) == []


def test_a_queue_of_another_port_is_not_this_ones() -> None:
    facts = {
        **dialled("10.0.0.1", 8080, Outcome.ACCEPTED, detail=ASKED),
        **read(server(), server(3, port=9090), unread=(9090,)),
    }
    assert of("process_hung", facts) == []


@pytest.mark.parametrize(("sockets", "unread"), [([server(3)], ()), ([server()], (8080, 8080))])
def test_connections_or_their_bytes_that_lie_about_prove_it(
    sockets: list[Socket], unread: tuple[int, ...]
) -> None:
    facts = {**dialled("10.0.0.1", 8080, Outcome.ACCEPTED, detail=ASKED), **read(*sockets, unread=unread)}
    (found,) = of("process_hung", facts)
    assert found.certainty is Certainty.PROVED
    assert "httpd (pid 1) hangs" in found.says


@pytest.mark.parametrize(
    ("waiting", "overflows", "certainty"),
    [
        (2, 5, Certainty.PROVED),
        (2, 0, Certainty.LIKELY),
        (2, None, Certainty.LIKELY),
        (0, 5, None),
        (None, 5, None),
    ],
)
def test_a_timeout_needs_a_queue_and_an_overflow(
    waiting: int | None, overflows: int | None, certainty: Certainty | None
) -> None:
    facts = {**dialled("10.0.0.1", 8080, Outcome.TIMEOUT), **read(server(waiting), overflows=overflows)}
    assert [f.certainty for f in of("accept_queue_full", facts)] == ([certainty] if certainty else [])


@pytest.mark.parametrize(
    "unix",
    [
        (),
        ("/var/run/supervisor.sock",),
        ("/root/.pm2/rpc.sock", "/root/.pm2/pub.sock"),
        ("/run/vault-agent/api.sock",),
        ("/tmp/ssh-XXXX/agent.7", "@/tmp/dbus-abc"),
    ],
)
def test_sockets_that_steer_a_program_are_no_server(unix: tuple[str, ...]) -> None:
    facts = {**dialled("10.0.0.1", 8080), **read(unix=unix)}
    assert of("listens_on_unix_socket_only", facts) == []


def test_a_unix_socket_beside_a_tcp_port_is_no_fault_and_an_abstract_one_only_a_hint() -> None:
    beside = {**dialled("10.0.0.1", 8080), **read(server(port=9000), unix=("/tmp/app.sock",))}
    assert of("listens_on_unix_socket_only", beside) == []
    alone = {**dialled("10.0.0.1", 8080), **read(unix=("@app",))}
    assert [f.certainty for f in of("listens_on_unix_socket_only", alone)] == [Certainty.LIKELY]


@pytest.mark.parametrize(
    ("inside", "certainty"),
    [
        (Outcome.REFUSED, Certainty.PROVED),
        (Outcome.ACCEPTED, None),  # [::] takes IPv4: somebody on the way sent the RST
        (Outcome.TIMEOUT, Certainty.LIKELY),
        (None, Certainty.LIKELY),
    ],
)
def test_the_flag_of_an_ipv6_wildcard_is_told_from_inside(
    inside: Outcome | None, certainty: Certainty | None
) -> None:
    dial = Need(INSIDE, InsideDial("shop", "web-1", "127.0.0.1", 8080))
    told = Handshake("127.0.0.1", 8080, inside, 0.0, "exec in web-1") if inside else Gap("a dial", "no program")
    facts = {**dialled("10.0.0.1", 8080), **read(server(address="::")), dial: told}
    assert [f.certainty for f in of("listens_on_one_family", facts)] == ([certainty] if certainty else [])


@pytest.mark.parametrize(
    ("port", "annotations", "speaks", "found"),
    [
        ({"name": "https"}, {}, "http", True),
        ({"name": "https-web"}, {}, "http", True),
        ({"name": "http"}, {}, "tls", True),
        ({"name": "web", "appProtocol": "https"}, {}, "http", True),
        ({"name": "https", "appProtocol": "http"}, {}, "http", False),  # appProtocol goes before the name
        ({"name": "https"}, {}, "tls", False),
        ({"name": "https"}, {}, "", False),  # nobody asked, or nobody knows
        ({"name": "https"}, {}, "redis", False),
        ({"name": "httpserver"}, {}, "tls", False),
        ({}, {}, "tls", False),
        ({"name": "https"}, {"service.beta.kubernetes.io/aws-load-balancer-ssl-ports": "https"}, "http", False),
        ({"name": "http"}, {"traefik.ingress.kubernetes.io/service.serverstransport": "shop"}, "http", False),
    ],
)
def test_a_port_is_taken_at_its_word_only(
    port: dict[str, Any], annotations: dict[str, str], speaks: str, found: bool
) -> None:
    one = pod()
    promised = service(ports=[{"port": 443, "targetPort": 8080, **port}])
    promised = msgspec.structs.replace(
        promised, metadata=msgspec.structs.replace(promised.metadata, annotations=annotations)
    )
    name, heard = port.get("name", ""), dialled("10.0.0.1", 8080, Outcome.ACCEPTED, speaks=speaks)
    whole = scene(promised, one, endpoint_slice(one, name=name), facts=heard)
    cause = next(c for c in catalogue() if c.name == "protocol_not_as_declared")
    assert [f.certainty for f in cause.check(whole)] == ([Certainty.LIKELY] if found else [])


@pytest.mark.parametrize(
    ("container", "found"),
    [
        ({"env": [{"name": "PORT", "value": "9090"}]}, True),
        ({"env": [{"name": "ASPNETCORE_HTTP_PORTS", "value": "9090"}]}, True),
        ({"env": [{"name": "METRICS_PORT", "value": "9090"}]}, False),  # a side door's, whatever became of the app
        ({"env": [{"name": "DB_PORT", "value": "9090"}]}, False),
        ({"env": [{"name": "PORT", "value": "9091"}]}, False),  # nothing listens there either
        ({"env": [{"name": "PORT", "value": "9090"}], "ports": [{"containerPort": 9090}]}, False),
        ({"env": [{"name": "PORT", "value": "9090"}], "command": ["httpd", "-p", "9090"]}, False),
        ({"env": [{"name": "PORT", "valueFrom": {"configMapKeyRef": {"name": "web", "key": "port"}}}]}, False),
    ],
)
def test_a_variable_moves_what_its_own_container_declares(container: dict[str, Any], found: bool) -> None:
    facts = {**dialled("10.0.0.1", 8080), **read(server(port=9090))}
    told = of("port_variable_moves_listener", facts, container={"ports": [{"containerPort": 8080}], **container})
    assert [f.certainty for f in told] == ([Certainty.PROVED] if found else [])


@pytest.mark.parametrize(
    ("line", "outcome", "waiting", "certainty"),
    [
        ("accept4() failed (24: Too many open files)", Outcome.TIMEOUT, 3, Certainty.PROVED),
        ("Error: EMFILE: too many open files, watch '/app'", Outcome.RESET, 0, Certainty.LIKELY),
        ("Error: EMFILE: too many open files, watch '/app'", Outcome.ACCEPTED, 0, None),  # it serves all the same
        ("too many requests", Outcome.TIMEOUT, 3, None),
    ],
)
def test_open_files_matter_where_connections_stall(
    line: str, outcome: Outcome, waiting: int, certainty: Certainty | None
) -> None:
    log = {Need(LOG, ContainerKey("shop", "web-1", "web", False)): Log((line,))}
    facts = {**dialled("10.0.0.1", 8080, outcome), **read(server(waiting)), **log}
    assert [f.certainty for f in of("open_files_exhausted", facts)] == ([certainty] if certainty else [])
