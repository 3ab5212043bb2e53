"""kubectl's connection flags as one frozen value, and how to read its durations.

The list is cli-runtime's `ConfigFlags` (k8s.io/cli-runtime/pkg/genericclioptions/config_flags.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubectl_refused.connection.errors import BadConfiguration

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)"


@dataclass(frozen=True)
class ConnectionOptions:
    """What was typed. None, False or () means: not typed, so the kubeconfig decides."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    namespace: str | None = None
    server: str | None = None
    token: str | None = None
    username: str | None = None
    password: str | None = None
    certificate_authority: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    tls_server_name: str | None = None
    insecure_skip_tls_verify: bool = False
    impersonate_user: str | None = None
    impersonate_uid: str | None = None
    impersonate_groups: tuple[str, ...] = ()
    impersonate_extra: tuple[str, ...] = ()
    request_timeout: str | None = None
    disable_compression: bool = False
    cache_dir: str | None = None

    def __repr__(self) -> str:
        """Leave the secrets out: a repr ends in tracebacks and logs."""
        return f"ConnectionOptions(context={self.context!r}, namespace={self.namespace!r}, server={self.server!r})"


def parse_timeout(text: str | None) -> float | None:
    """Return seconds, or None for no limit (`None`, "" and "0").

    Plain seconds or a Go duration such as 1s, 2m, 3h, 1m30s (client-go's ParseTimeout).
    """
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text) or None
    if not re.fullmatch(f"(?:{_PART})+", text):
        raise BadConfiguration(
            f"--request-timeout={text} is no duration",
            "type seconds or a number with s, m or h: --request-timeout=30s",
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text)) or None
