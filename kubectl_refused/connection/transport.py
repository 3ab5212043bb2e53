"""The way to the API server for a resolved configuration: urllib3's pools with our TLS, proxy and headers.

`kubernetes` is not imported here: around urllib3 its ApiClient is a shell that takes 200 ms to load
(docs/decisions/0006-urllib3-for-plain-credentials.md).
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kubectl_refused import __version__
from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.credentials import Credentials, Header, impersonation_headers, is_tls
from kubectl_refused.connection.errors import BadConfiguration
from kubectl_refused.connection.kubeconfig import ResolvedConfig
from kubectl_refused.connection.proxies import authorization_of, proxy_of
from kubectl_refused.connection.tls import make_context

if TYPE_CHECKING:
    from urllib3 import PoolManager

POOL_SIZE = 32  # kept-alive connections; more threads than that open and drop their own


class Transport(Struct, frozen=True):
    """What requests and streams share.

    `server` is a URL without a slash at its end; `headers` go with every request, names may repeat; `proxy` is
    the URL of the one in use.
    """

    server: str
    pools: PoolManager
    headers: tuple[Header, ...]
    tls: ssl.SSLContext | None
    tls_server_name: str | None
    proxy: str | None

    def __repr__(self) -> str:
        return f"Transport({self.server!r}, …)"  # the headers are secret

    def close(self) -> None:
        """Drop the kept-alive connections."""
        self.pools.clear()


def make_transport(config: ResolvedConfig, credentials: Credentials, cancel: Cancel) -> Transport:
    """Prepare requests; none is made yet. Raises BadConfiguration or CredentialsProblem."""
    server = str(config.cluster["server"]).rstrip("/")
    server = server if "://" in server else f"http://{server}"
    context = None
    if is_tls(server):
        context = make_context(config.cluster, credentials.certificate, credentials.key)
    headers: list[Header] = [("User-Agent", f"kubectl-refused/{__version__}")]
    if credentials.authorization:
        headers.append(("Authorization", credentials.authorization))
    headers += impersonation_headers(config.user)
    try:
        proxy = proxy_of(config.cluster, server, os.environ)
    except ValueError as error:
        raise BadConfiguration(f"server {server} is no address", "mend server: in the kubeconfig") from error
    name = config.cluster.get("tls-server-name")
    pools = _pools(context, name, proxy)
    _own_connections(pools, cancel)
    return Transport(server, pools, tuple(headers), context, name, proxy)


def _pools(context: ssl.SSLContext | None, tls_server_name: str | None, proxy: str | None) -> PoolManager:
    import urllib3

    if context is not None and context.verify_mode == ssl.CERT_NONE:
        # The person asked for it with a flag or in the kubeconfig, and kubectl prints nothing either.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    settings: dict[str, Any] = {"maxsize": POOL_SIZE}
    if context is not None:
        settings |= {"ssl_context": context, "server_hostname": tls_server_name}
    if proxy is None:
        return urllib3.PoolManager(**settings)
    if proxy.lower().startswith("socks"):
        return _socks(proxy, settings)
    try:
        given = authorization_of(proxy)
        headers = {"Proxy-Authorization": given} if given else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, **settings)
    except (urllib3.exceptions.HTTPError, ValueError) as error:  # not quoted: it may hold a password
        says = "the proxy's address is not one of http, https or socks5"
        raise BadConfiguration(says, "check HTTPS_PROXY and proxy-url") from error


def _socks(proxy: str, settings: dict[str, Any]) -> PoolManager:
    import importlib.util

    if importlib.util.find_spec("socks") is None:  # else urllib3 warns on stderr before it fails
        raise BadConfiguration(
            "a SOCKS proxy needs the Python package PySocks", "install it, or use an http proxy"
        )
    from urllib3.contrib.socks import SOCKSProxyManager

    return SOCKSProxyManager(proxy, **settings)


def _own_connections(pools: PoolManager, cancel: Cancel) -> None:
    """Have each of urllib3's sockets end on cancel."""
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            cancel.register(self.sock)

        def close(self) -> None:
            cancel.forget(self.sock)
            super().close()

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            cancel.register(self.sock)

        def close(self) -> None:
            cancel.forget(self.sock)
            super().close()

    if str(getattr(pools, "proxy_url", None) or "").startswith("socks"):
        return  # urllib3's SOCKS manager brings connection classes of its own
    plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
    secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
    pools.pool_classes_by_scheme = {"http": plain, "https": secure}
