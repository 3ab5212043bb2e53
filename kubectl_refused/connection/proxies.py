"""Which proxy the way to the API server takes: the cluster's own, else the environment's, by Go's rules.

The rules are golang.org/x/net/http/httpproxy, which kubectl uses. Python's are others: `urllib.request`'s
proxy_bypass_environment knows no address ranges (NO_PROXY=10.0.0.0/8), lets `.example.com` match example.com,
and takes 20 ms to import.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ipaddress

_PORTS = {"http": "80", "https": "443"}


def proxy_of(cluster: Mapping[str, Any], server: str, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for `server` (a URL with its scheme), None for a direct connection.

    `proxy-url` beats the environment, and NO_PROXY is about the environment's proxy only (client-go). Raises
    ValueError where `server` is no URL.
    """
    if own := cluster.get("proxy-url"):
        return _with_scheme(str(own))
    parts = urllib.parse.urlsplit(server)
    host, port = parts.hostname or "", str(parts.port or _PORTS.get(parts.scheme, ""))
    typed = _first(environ, f"{parts.scheme.upper()}_PROXY", f"{parts.scheme}_proxy")
    if not typed or is_excepted(host, port, _first(environ, "NO_PROXY", "no_proxy")):
        return None
    return _with_scheme(typed)


def is_excepted(host: str, port: str, exceptions: str) -> bool:
    """Return whether `exceptions` (the text of NO_PROXY) keep host:port from the environment's proxy.

    Loopback always is: a kind cluster on 127.0.0.1 works behind a company's HTTPS_PROXY for that reason.
    """
    host = host.lower().rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(entry.strip().lower(), host, port, address) for entry in exceptions.split(","))


def authorization_of(proxy: str) -> str:
    """Return the Proxy-Authorization header for the name and password in the proxy's URL, "" without them."""
    parts = urllib.parse.urlsplit(proxy)
    if not parts.username:
        return ""
    pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _matches(
    entry: str, host: str, port: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None
) -> bool:
    """One entry: `*`, a range, an address or a domain, the last two with a port if they like."""
    if not entry or entry == "*":
        return entry == "*"
    if "/" in entry:
        return address is not None and _in_range(address, entry)
    name, only_port = _split_port(entry)
    if only_port and only_port != port:
        return False
    if (exact := _address(name)) is not None:
        return exact == address
    if name.startswith(("*.", ".")):  # subdomains alone
        return host.endswith(name.lstrip("*"))
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, str]:
    """Return (name, port), the port "" where there is none; an IPv6 address needs brackets to have one."""
    name, colon, port = entry.rpartition(":")
    if colon and (":" not in name or name.endswith("]")):
        return name.strip("[]"), port
    return entry.strip("[]"), ""


def _in_range(address: ipaddress.IPv4Address | ipaddress.IPv6Address, entry: str) -> bool:
    import ipaddress

    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    import ipaddress

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _first(environ: Mapping[str, str], *names: str) -> str:
    return next((value for name in names if (value := environ.get(name, ""))), "")


def _with_scheme(proxy: str) -> str:
    """Go takes `proxy:3128` for http."""
    return proxy if "://" in proxy else f"http://{proxy}"
