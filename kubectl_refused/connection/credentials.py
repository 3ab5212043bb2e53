"""Obtain what proves who we are, or say clearly why not: never go on anonymously by accident.

The Python client swallows a failing exec plugin, an expired OIDC token and an unknown auth provider; the
request then goes out without credentials and its 401 or 403 reads like missing rights.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.errors import CredentialsProblem
from kubectl_refused.connection.exec_plugin import run_plugin
from kubectl_refused.connection.kubeconfig import ResolvedConfig
from kubectl_refused.connection.tls import pem_of

Header = tuple[str, str]
_LEGAL_IN_HEADER_NAMES = "!#$&'*+-.^_`|~"  # RFC 9110 tokens besides letters and digits; % itself is escaped


@dataclass(frozen=True)
class Credentials:
    """`user` is the kubeconfig user with plugins run and files read.

    What the Python client can use as it is.
    """

    user: Mapping[str, Any] = field(repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    renewable: bool = False


def obtain(config: ResolvedConfig, cancel: Cancel) -> Credentials:
    """Return the credentials. Raises CredentialsProblem when the configured way gives none.

    Like kubectl, none are sent over plain http; a token or password beats the exec plugin, which then is not
    run.
    """
    user = config.user
    if not is_tls(str(config.cluster["server"])):
        return Credentials(user={})
    certificate, key = pem_of(user, "client-certificate"), pem_of(user, "client-key")
    if token := _token(user):
        return Credentials({"token": token}, certificate, key, renewable=bool(user.get("tokenFile")))
    if user.get("username") or user.get("password"):
        return Credentials(
            {"username": user.get("username", ""), "password": user.get("password", "")}, certificate, key
        )
    if plugin := user.get("exec"):
        given = run_plugin(plugin, config.cluster, cancel)
        own = {"token": given.token} if given.token else {}
        return Credentials(own, given.certificate or certificate, given.key or key, renewable=True)
    if provider := user.get("auth-provider"):
        return Credentials({"auth-provider": _provider(provider)}, certificate, key)
    if not certificate:
        # kubectl asks for a user name and password here; it never goes on anonymously either.
        says = f"user {config.user_name} has no credentials" if config.user_name else "no user is chosen"
        raise CredentialsProblem(says, "log in, or type --context, --user or --token")
    return Credentials({}, certificate, key)


def _token(user: Mapping[str, Any]) -> str:
    """The file beats the inline token when it can be read.

    It is rotated, the other is not (client-go transport).
    """
    file = user.get("tokenFile")
    if not file:
        return str(user.get("token") or "")
    try:
        with open(file, encoding="utf-8") as stream:
            found = stream.read().strip()
    except (OSError, ValueError) as error:
        found = str(user.get("token") or "")
        if not found:
            says = f"the token file {file} cannot be read: {getattr(error, 'strerror', None) or 'no text'}"
            raise CredentialsProblem(says, "mend tokenFile in the kubeconfig, or type --token") from error
    if not found:
        raise CredentialsProblem(f"the token file {file} is empty", "log in again, or type --token")
    return found


def _provider(provider: Mapping[str, Any]) -> dict[str, Any]:
    """Let only `oidc` pass.

    The others were removed from kubectl in 1.26, and the Python client ignores them.
    """
    name = str(provider.get("name") or "")
    if name != "oidc":
        advice = {"gcp": "use gke-gcloud-auth-plugin", "azure": "use kubelogin"}.get(name, "use an exec plugin")
        raise CredentialsProblem(f"the auth provider {name or '(none)'} no longer exists", advice)
    return {"name": name, "config": dict(provider.get("config") or {})}


def is_tls(server: str) -> bool:
    """Return whether requests to `server` are encrypted; without a scheme kubectl assumes http."""
    return server.lower().startswith("https://")


def impersonation_headers(user: Mapping[str, Any]) -> tuple[Header, ...]:
    """Return the Impersonate-* headers, groups and extra values repeated.

    The Python client knows none of them.
    """
    if not user.get("as"):
        return ()
    headers: list[Header] = [("Impersonate-User", str(user["as"]))]
    if user.get("as-uid"):
        headers.append(("Impersonate-Uid", str(user["as-uid"])))
    headers += [("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()]
    for key, values in (user.get("as-user-extra") or {}).items():
        # client-go's headerKeyEscape: a key is a URL or a domain, a header name is a token.
        name = "Impersonate-Extra-" + urllib.parse.quote(str(key), safe=_LEGAL_IN_HEADER_NAMES)
        headers += [(name, str(value)) for value in values or ()]
    return tuple(headers)
