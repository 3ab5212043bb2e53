"""Which proxy is used: Go's rules, as kubectl follows them."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading

import pytest

from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import BadConfiguration, Unreachable
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.proxies import is_excepted, proxy_of

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("host", "exceptions", "excepted"),
    # The expectations are those of golang.org/x/net/http/httpproxy (UseProxyTests in proxy_test.go).
    [
        ("localhost", "", True),
        ("127.0.0.1", "", True),
        ("127.0.0.2", "", True),
        ("::1", "", True),
        ("10.1.2.3", "", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("fd00::5", "fd00::/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:6443", True),
        ("10.1.2.3", "10.1.2.3:443", False),
        ("fd00::5", "[fd00::5]:6443", True),
        ("fd00::5", "fd00::5", True),
        ("fd00::5", "[fd00::6]:6443", False),
        ("api.example.com", "example.com", True),
        ("example.com", "example.com", True),
        ("badexample.com", "example.com", False),
        ("api.example.com", ".example.com", True),
        ("example.com", ".example.com", False),
        ("api.example.com", "*.example.com", True),
        ("example.com", "*.example.com", False),
        ("API.Example.COM", "other, Example.com ,", True),
        ("api.example.com", "example.com:6443", True),
        ("api.example.com", "example.com:80", False),
        ("api.example.com", "10.0.0.0/8", False),
        ("api.example.com", "", False),
        ("api.example.com", "x,*", True),
        ("10.1.2.3", "300.0.0.0/8,garbage/x,:,[]", False),
    ],
)
def test_no_proxy(host: str, exceptions: str, excepted: bool) -> None:
    assert is_excepted(host, "6443", exceptions) is excepted


@pytest.mark.parametrize(
    ("cluster", "environ", "proxy"),
    [
        ({}, {}, None),
        ({}, {"HTTPS_PROXY": PROXY}, PROXY),
        ({}, {"https_proxy": PROXY}, PROXY),
        ({}, {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ({}, {"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, None),
        ({}, {"HTTPS_PROXY": PROXY, "NO_PROXY": "k8s.example"}, None),
        ({}, {"HTTPS_PROXY": PROXY, "no_proxy": "k8s.example:443"}, None),
        ({"proxy-url": PROXY}, {"NO_PROXY": "k8s.example"}, PROXY),
        ({"proxy-url": PROXY}, {"HTTPS_PROXY": "http://other"}, PROXY),
    ],
)
def test_which_proxy(cluster: dict[str, str], environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_of(cluster, "https://k8s.example", environ) == proxy


def test_the_environments_proxy_gets_its_name_and_password(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            heads.append(client.recv(4096))
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            client.close()

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://jane:s%40crt@127.0.0.1:{listener.getsockname()[1]}")
    # The address is never dialled (RFC 5737): the proxy refuses to.
    connection = connect(ConnectionOptions(server="https://192.0.2.1:6443", token="t"))
    with contextlib.closing(connection), pytest.raises(Unreachable, match="the proxy on the way to"):
        connection.get_bytes("/version")
    thread.join(10)
    listener.close()
    assert heads[0].startswith(b"CONNECT 192.0.2.1:6443 ")
    assert base64.b64encode(b"jane:s@crt") in heads[0]


@pytest.mark.parametrize(
    ("proxy", "text"),
    [
        ("ftp://jane:s3cret@proxy.example", "not one of http, https or socks5; check HTTPS_PROXY"),
        ("http://jane:s3cret@[proxy.example", "not one of http, https or socks5"),
        ("socks5://jane:s3cret@proxy.example", "a SOCKS proxy needs the Python package PySocks; install it"),
    ],
)
def test_what_is_no_proxy_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, text: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(BadConfiguration, match=text) as caught:
        connect(ConnectionOptions(server="https://192.0.2.1:6443", token="t"))
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("server", ["https://[::1", "https://api.example:port"])
def test_what_is_no_server_is_told(server: str) -> None:
    with pytest.raises(BadConfiguration, match=r"is no address; mend server: in the kubeconfig"):
        connect(ConnectionOptions(server=server, token="t"))
