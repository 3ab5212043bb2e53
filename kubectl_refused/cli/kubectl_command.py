"""How a printed kubectl command must start to reach the same cluster as we did."""

from __future__ import annotations

from kubectl_refused.connection.options import ConnectionOptions

# Options whose value may be printed, in kubectl's spelling; the namespace is added by whoever writes the command.
_PRINTED = {
    "kubeconfig": "--kubeconfig",
    "context": "--context",
    "cluster": "--cluster",
    "user": "--user",
    "server": "--server",
    "tls_server_name": "--tls-server-name",
    "certificate_authority": "--certificate-authority",
    "client_certificate": "--client-certificate",
    "client_key": "--client-key",
    "username": "--username",
    "impersonate_user": "--as",
    "impersonate_uid": "--as-uid",
}
# Secrets never appear in output; the reader has them.
_SECRET = {"token": '--token "$TOKEN"', "password": '--password "$PASSWORD"'}


def kubectl_command(options: ConnectionOptions) -> str:
    """`kubectl`, with the connection flags that were typed, quoted for a POSIX shell."""
    words = ["kubectl"]
    for field, flag in _PRINTED.items():
        if value := getattr(options, field):
            words += [flag, _quoted(value)]
    words += [f"--as-group {_quoted(group)}" for group in options.impersonate_groups]
    words += [f"--as-user-extra {_quoted(extra)}" for extra in options.impersonate_extra]
    words += ["--insecure-skip-tls-verify"] if options.insecure_skip_tls_verify else []
    words += [flag for field, flag in _SECRET.items() if getattr(options, field)]
    return " ".join(words)


def _quoted(value: str) -> str:
    import shlex  # not needed by most runs

    return shlex.quote(value)
