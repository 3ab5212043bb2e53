"""Make the `kubernetes` package's ApiClient for a resolved configuration, and only what of it is sound.

This is the one place that imports `kubernetes`. Only ApiClient and Configuration are touched: the generated
API classes and models cost another 470 ms (measured), and are not needed on raw paths.
"""

from __future__ import annotations

import ipaddress
import ssl
import urllib.parse
from dataclasses import dataclass
from typing import Any

from kubectl_refused import __version__
from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.credentials import Credentials, Header, impersonation_headers, is_tls
from kubectl_refused.connection.errors import CredentialsProblem
from kubectl_refused.connection.kubeconfig import ResolvedConfig
from kubectl_refused.connection.tls import make_context

POOL_SIZE = 32  # kept-alive connections; more threads than that open and drop their own


@dataclass(frozen=True)
class Transport:
    """What requests and streams share.

    The client, TLS, proxy, and headers a dict cannot hold (repeated ones).
    """

    api: Any
    tls: ssl.SSLContext | None
    tls_server_name: str | None
    proxy: str | None
    impersonation: tuple[Header, ...]


def make_transport(config: ResolvedConfig, credentials: Credentials, cancel: Cancel) -> Transport:
    """Build the client.

    Raises CredentialsProblem if the client ends up without the credentials it was given.
    """
    import urllib3
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration

    settings = Configuration()
    _load(config, credentials, settings)
    server = settings.host
    context = None
    if is_tls(server):
        context = make_context(config.cluster, credentials.certificate, credentials.key)
    if not settings.verify_ssl:
        # The person asked for it with a flag or in the kubeconfig, and kubectl prints nothing either.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    settings.retries = False  # no silent reconnects: the caller decides, per verb
    settings.connection_pool_maxsize = POOL_SIZE
    settings.proxy, settings.no_proxy = _proxy(config, settings.proxy), settings.no_proxy or ""
    if config.cluster.get("proxy-url"):
        settings.no_proxy = ""  # client-go: NO_PROXY is about the environment's proxy only
    api = ApiClient(settings)
    api.user_agent = f"kubectl-refused/{__version__}"
    _own_connections(api.rest_client.pool_manager, context, cancel)
    name = config.cluster.get("tls-server-name")
    impersonation = impersonation_headers(config.user)
    return Transport(api, context, name, _used_proxy(settings), impersonation)


def _load(config: ResolvedConfig, credentials: Credentials, settings: Any) -> None:
    """Hand the client a kubeconfig of one entry, then check that it took the credentials."""
    from kubernetes.config import kube_config
    from kubernetes.config.config_exception import ConfigException

    server = str(config.cluster["server"])
    cluster: dict[str, Any] = {"server": server if "://" in server else f"http://{server}"}
    for key in ("tls-server-name", "proxy-url", "insecure-skip-tls-verify"):
        if config.cluster.get(key):
            cluster[key] = config.cluster[key]
    document = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": dict(credentials.user)}],
    }
    name = config.user_name or "the user"
    again = CredentialsProblem(f"the credentials of {name} could not be obtained", "log in again, or type --token")
    try:
        load: Any = kube_config.load_kube_config_from_dict  # untyped in the package
        load(document, client_configuration=settings, persist_config=False)
    except (ConfigException, KeyError, ValueError, TypeError) as error:
        raise again from error
    if credentials.user and not settings.api_key.get("BearerToken"):
        raise again


def _proxy(config: ResolvedConfig, from_environment: str | None) -> str | None:
    """Return the proxy: the cluster's own, else the environment's, which Go never uses for loopback addresses.

    A kind cluster on 127.0.0.1 behind a company's HTTPS_PROXY works with kubectl for that reason.
    """
    if own := config.cluster.get("proxy-url"):
        return str(own)
    host = urllib.parse.urlsplit(str(config.cluster["server"])).hostname or ""
    if host == "localhost":
        return None
    try:
        return None if ipaddress.ip_address(host).is_loopback else from_environment
    except ValueError:
        return from_environment


def _used_proxy(settings: Any) -> str | None:
    """Return the proxy that requests take, by the client's own rule, so that streams take it too."""
    from kubernetes.client.rest import should_bypass_proxies

    if settings.proxy and not should_bypass_proxies(settings.host, settings.no_proxy or ""):
        return str(settings.proxy)
    return None


def _own_connections(pools: Any, context: ssl.SSLContext | None, cancel: Cancel) -> None:
    """Give urllib3 our TLS context, and have each of its sockets end on cancel."""
    if context is not None:
        pools.connection_pool_kw["ssl_context"] = context
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
