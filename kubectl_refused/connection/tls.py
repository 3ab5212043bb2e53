"""One TLS context for requests and streams, made from a resolved configuration.

The Python client writes inline certificates and keys to temporary files that only `atexit` removes, so a
SIGKILL leaves a private key in /tmp. A context loads them once: the file OpenSSL insists on is gone again
microseconds later.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Mapping
from typing import Any

from kubectl_refused.connection.errors import BadConfiguration, CredentialsProblem


def make_context(cluster: Mapping[str, Any], certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Return a client context. `certificate` and `key` are PEM texts that replace nothing when empty."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As urllib3 2 and Go: TLS 1.2 at least. No VERIFY_X509_STRICT: many cluster CAs lack key identifiers.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _trust(context, cluster)
    if certificate:
        _load_pair(context, certificate, key)
    return context


def pem_of(mapping: Mapping[str, Any], field: str) -> str:
    """Return the PEM text of `field-data` (base64) or of the file named by `field`, "" when neither is
    given."""
    if data := mapping.get(f"{field}-data"):
        try:
            return base64.b64decode("".join(data.split()), validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise BadConfiguration(
                f"{field}-data in the kubeconfig is no base64 of PEM text", "copy it again"
            ) from error
    if file := mapping.get(field):
        try:
            with open(file, encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except OSError as error:
            raise BadConfiguration(f"{field} {file} cannot be read: {error.strerror}", "mend the path") from error
    return ""


def _trust(context: ssl.SSLContext, cluster: Mapping[str, Any]) -> None:
    authority = pem_of(cluster, "certificate-authority")
    if not authority:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    try:
        context.load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        raise BadConfiguration(
            "the cluster's certificate-authority holds no valid certificate", "copy it again from the cluster"
        ) from error


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a client certificate; OpenSSL takes it from a file only, so one exists (0600) while it reads."""
    descriptor, name = tempfile.mkstemp(prefix="kubectl-refused-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(f"{certificate.rstrip()}\n{key}")
        # The empty password keeps OpenSSL from asking on the terminal for one.
        context.load_cert_chain(name, password="")
    except (ssl.SSLError, OSError) as error:
        raise CredentialsProblem(
            f"the client certificate and its key cannot be used: {getattr(error, 'reason', None) or error}",
            "check client-certificate and client-key in the kubeconfig",
        ) from error
    finally:
        os.unlink(name)
