"""Obtain what proves who we are, or say clearly why not: never go on anonymously by accident.

The Python client swallows a failing exec plugin, an expired OIDC token and an unknown auth provider; the
request then goes out without credentials and its 401 or 403 reads like missing rights.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.errors import CredentialsProblem
from kubectl_refused.connection.kubeconfig import ResolvedConfig
from kubectl_refused.connection.tls import pem_of

Header = tuple[str, str]
_LEGAL_IN_HEADER_NAMES = "!#$&'*+-.^_`|~"  # RFC 9110 tokens besides letters and digits; % itself is escaped


class Credentials(Struct, frozen=True):
    """`authorization` is the value of that header, "" for none; the certificate and its key are PEM texts."""

    authorization: str = ""
    certificate: str = ""
    key: str = ""
    renewable: bool = False

    def __repr__(self) -> str:
        return "Credentials(…)"  # nothing of them is ever printed


def obtain(config: ResolvedConfig, cancel: Cancel) -> Credentials:
    """Return the credentials. Raises CredentialsProblem when the configured way gives none.

    Like kubectl, none are sent over plain http; a token or password beats the exec plugin, which then is not
    run.
    """
    user = config.user
    if not is_tls(str(config.cluster["server"])):
        return Credentials()
    certificate, key = pem_of(user, "client-certificate"), pem_of(user, "client-key")
    if token := _token(user):
        return Credentials(_bearer(token, config), certificate, key, renewable=bool(user.get("tokenFile")))
    if user.get("username") or user.get("password"):
        pair = f"{user.get('username', '')}:{user.get('password', '')}"
        return Credentials(f"Basic {base64.b64encode(pair.encode()).decode()}", certificate, key)
    if plugin := user.get("exec"):
        from kubectl_refused.connection.exec_plugin import (
            run_plugin,  # what starts processes takes a while to load
        )

        given = run_plugin(plugin, config.cluster, cancel)
        own = _bearer(given.token, config) if given.token else ""
        return Credentials(own, given.certificate or certificate, given.key or key, renewable=True)
    if provider := user.get("auth-provider"):
        from kubectl_refused.connection.auth_provider import token_of

        return Credentials(_bearer(token_of(provider, config.user_name), config), certificate, key)
    if not certificate:
        # kubectl asks for a user name and password here; it never goes on anonymously either.
        says = f"user {config.user_name} has no credentials" if config.user_name else "no user is chosen"
        raise CredentialsProblem(says, "log in, or type --context, --user or --token")
    return Credentials("", certificate, key)


def _bearer(token: str, config: ResolvedConfig) -> str:
    """Return the header's value. http.client would refuse other characters too, quoting the token."""
    if not (token.isascii() and token.isprintable()):
        says = f"the token of {config.user_name or 'the user'} has characters that no header can carry"
        raise CredentialsProblem(says, "copy it again, without line breaks")
    return f"Bearer {token}"


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


def is_tls(server: str) -> bool:
    """Return whether requests to `server` are encrypted; without a scheme kubectl assumes http."""
    return server.lower().startswith("https://")


def impersonation_headers(user: Mapping[str, Any]) -> tuple[Header, ...]:
    """Return the Impersonate-* headers, groups and extra values repeated.

    A key of extra values may come several times.
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
