"""Which cluster, as whom, in which namespace, resolved from kubeconfigs, flags and our pod as kubectl does.

Order of precedence and every special case: client-go tools/clientcmd/client_config.go, validation.go and
merged_client_builder.go. Where kubectl would quietly fall back to http://localhost:8080 or to anonymous
requests (a context that names a missing cluster or user), this raises instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from kubectl_refused.connection.errors import BadConfiguration, ConnectionProblem, NoConfiguration
from kubectl_refused.connection.kubeconfig_files import Entry, Merged, candidate_files, merge_files
from kubectl_refused.connection.options import ConnectionOptions

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "in-cluster"


class ResolvedConfig(Struct, frozen=True):
    """One cluster, one user, one namespace.

    `cluster` and `user` are the inner mappings of a kubeconfig with the flags applied and paths made
    absolute; the names are "" where flags alone made the entry.
    """

    context_name: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    namespace: str
    source_files: tuple[Path, ...]
    cluster_name: str = ""
    user_name: str = ""

    def __repr__(self) -> str:
        return f"ResolvedConfig({self.context_name!r}, …)"  # the user is secret


def resolve(options: ConnectionOptions, environ: Mapping[str, str] | None = None) -> ResolvedConfig:
    """Return what kubectl would use with the same flags and environment.

    Raises NoConfiguration or BadConfiguration.
    """
    environ = os.environ if environ is None else environ
    merged = merge_files(candidate_files(options.kubeconfig, environ))
    resolved = _from_files(merged, options, environ)
    if not resolved.cluster.get("server"):
        if inside := _from_pod(options, environ):
            return inside
        raise _nothing_found(resolved, merged, options, environ)
    _validate(resolved)
    return resolved


def _from_files(merged: Merged, options: ConnectionOptions, environ: Mapping[str, str]) -> ResolvedConfig:
    context_name = options.context or merged.current_context
    context = _context(merged, context_name, typed=bool(options.context))
    cluster_name = options.cluster or context.get("cluster", "")
    user_name = options.user or context.get("user", "")
    because = f"context {context_name}"
    found = _named(
        merged.clusters, cluster_name, "cluster", "--cluster" if options.cluster else because, options.server
    )
    cluster = _apply_cluster_flags(found, options)
    # The old default for a server, older than kubeconfigs; kubectl still reads it (clientcmd.getDefaultServer).
    if not cluster.get("server") and environ.get("KUBERNETES_MASTER"):
        cluster["server"] = environ["KUBERNETES_MASTER"]
    own = options.token or options.username or options.client_certificate
    user = _named(merged.users, user_name, "user", "--user" if options.user else because, own)
    return ResolvedConfig(
        context_name=context_name,
        cluster=cluster,
        user=_apply_user_flags(user, options),
        namespace=options.namespace or context.get("namespace") or "default",
        source_files=merged.source_files,
        cluster_name=cluster_name,
        user_name=user_name,
    )


def _context(merged: Merged, name: str, *, typed: bool) -> Entry:
    if not name:
        return {}
    if name in merged.contexts:
        return merged.contexts[name]
    says = (
        f"context {name} does not exist" if typed else f"the current context {name} is in none of the kubeconfigs"
    )
    known = ", ".join(sorted(merged.contexts)[:8])
    raise BadConfiguration(
        says, f"type --context with one of: {known}" if known else "see: kubectl config get-contexts"
    )


def _named(entries: dict[str, Entry], name: str, kind: str, because: str, flag_replaces_it: str | None) -> Entry:
    """Return a copy of the entry.

    A dangling name is an error unless a flag brings what the entry would have held.
    """
    if name in entries:
        return dict(entries[name])
    if not name or (flag_replaces_it and not because.startswith("--")):
        return {}
    known = ", ".join(sorted(entries)[:8]) or "none"
    instead = f"type --{kind} with one that exists ({known}), or mend the kubeconfig"
    raise BadConfiguration(f"{because} names {kind} {name}, which does not exist", instead)


def _apply_cluster_flags(cluster: Entry, options: ConnectionOptions) -> Entry:
    if options.server:
        cluster["server"] = options.server
    if options.insecure_skip_tls_verify or options.certificate_authority:
        # Either flag replaces the whole question of trust, or a CA in the file would contradict it.
        for key in ("insecure-skip-tls-verify", "certificate-authority", "certificate-authority-data"):
            cluster.pop(key, None)
    if options.insecure_skip_tls_verify:
        cluster["insecure-skip-tls-verify"] = True
    if options.certificate_authority:
        cluster["certificate-authority"] = options.certificate_authority
    if options.tls_server_name or options.server:
        cluster.pop(
            "tls-server-name", None
        )  # --server alone clears the file's name: it belongs to the other server
    if options.tls_server_name:
        cluster["tls-server-name"] = options.tls_server_name
    if options.disable_compression:
        cluster["disable-compression"] = True
    return cluster


def _apply_user_flags(user: Entry, options: ConnectionOptions) -> Entry:
    typed = {
        "token": options.token,
        "username": options.username,
        "password": options.password,
        "client-certificate": options.client_certificate,
        "client-key": options.client_key,
        "as": options.impersonate_user,
        "as-uid": options.impersonate_uid,
        "as-groups": list(options.impersonate_groups),
    }
    user.update({key: value for key, value in typed.items() if value})
    if options.impersonate_extra:
        user["as-user-extra"] = {**user.get("as-user-extra", {}), **_extra(options.impersonate_extra)}
    return user


def _extra(pairs: tuple[str, ...]) -> dict[str, list[str]]:
    """Group key=value pairs by key; a key may come several times."""
    grouped: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise BadConfiguration(f"--as-user-extra={pair} has no key=value", "type --as-user-extra=key=value")
        grouped.setdefault(key, []).append(value)
    return grouped


def _from_pod(options: ConnectionOptions, environ: Mapping[str, str]) -> ResolvedConfig | None:
    """Return the service account's configuration when we run in a pod, with the flags applied."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    token_file = SERVICE_ACCOUNT / "token"
    if not (host and port and token_file.is_file()):
        return None
    address = f"[{host}]" if ":" in host else host
    cluster: Entry = {
        "server": f"https://{address}:{port}",
        "certificate-authority": str(SERVICE_ACCOUNT / "ca.crt"),
    }
    user: Entry = {} if options.token else {"tokenFile": str(token_file)}
    return ResolvedConfig(
        context_name=IN_CLUSTER,
        cluster=_apply_cluster_flags(cluster, options),
        user=_apply_user_flags(user, options),
        namespace=options.namespace or environ.get("POD_NAMESPACE") or _pod_namespace(),
        source_files=(),
        cluster_name=IN_CLUSTER,
        user_name="service account",
    )


def _pod_namespace() -> str:
    try:
        return (SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip() or "default"
    except (OSError, ValueError):
        return "default"


def _nothing_found(
    resolved: ResolvedConfig, merged: Merged, options: ConnectionOptions, environ: Mapping[str, str]
) -> ConnectionProblem:
    """Say why there is no server: no file, no context chosen, or a cluster entry without one."""
    files = ", ".join(str(file) for file in merged.source_files)
    if resolved.cluster_name:
        return BadConfiguration(
            f"cluster {resolved.cluster_name} has no server",
            "add server: to it in the kubeconfig, or type --server",
        )
    if resolved.context_name:
        return BadConfiguration(
            f"context {resolved.context_name} names no cluster", "type --cluster, or mend the context"
        )
    if merged.contexts:
        known = ", ".join(sorted(merged.contexts)[:8])
        return NoConfiguration(f"no current context is set in {files}", f"type --context with one of: {known}")
    looked = files or ", ".join(str(file) for file in candidate_files(options.kubeconfig, environ))
    says = f"no cluster in {looked}" if files else f"no kubeconfig: {looked or 'KUBECONFIG'} does not exist"
    return NoConfiguration(says, "type --kubeconfig FILE, or -f MANIFESTS to diagnose files without a cluster")


def _validate(resolved: ResolvedConfig) -> None:
    """Refuse what kubectl refuses (clientcmd/validation.go), one problem at a time."""
    cluster, user, name = resolved.cluster, resolved.user, resolved.user_name or "the user"
    both = {("certificate-authority", "certificate-authority-data"): cluster}
    if user.get("client-certificate") or user.get("client-certificate-data"):
        both |= {(key, f"{key}-data"): user for key in ("client-certificate", "client-key")}
        if not (user.get("client-key") or user.get("client-key-data")):
            raise BadConfiguration(
                f"{name} has a client certificate but no key", "add client-key, or type --client-key"
            )
    for (plain, data), mapping in both.items():
        if mapping.get(plain) and mapping.get(data):
            raise BadConfiguration(
                f"{plain} and {data} are both given", "remove one of the two from the kubeconfig"
            )
        if mapping.get(plain) and not os.access(mapping[plain], os.R_OK):
            raise BadConfiguration(f"{plain} {mapping[plain]} cannot be read", "mend the path in the kubeconfig")
    if user.get("token") and (user.get("username") or user.get("password")):
        raise BadConfiguration(f"{name} has a token and a user name with password", "keep one of the two")
    if user.get("exec") and user.get("auth-provider"):
        raise BadConfiguration(f"{name} has both exec and auth-provider", "keep one of the two")
    if (user.get("as-uid") or user.get("as-groups") or user.get("as-user-extra")) and not user.get("as"):
        raise BadConfiguration("impersonating a uid, group or extra needs a user too", "add --as USER")
    if cluster.get("insecure-skip-tls-verify") and (
        cluster.get("certificate-authority") or cluster.get("certificate-authority-data")
    ):
        raise BadConfiguration(
            "insecure-skip-tls-verify contradicts certificate-authority", "remove one of the two"
        )
