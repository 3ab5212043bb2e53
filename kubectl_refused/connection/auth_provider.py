"""A token from a kubeconfig's legacy `auth-provider`, by the one library that still knows how to renew it.

Only here is the `kubernetes` package imported: it takes 200 ms, and no other way to log in needs it
(docs/decisions/0006-urllib3-for-plain-credentials.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_refused.connection.errors import CredentialsProblem


def token_of(provider: Mapping[str, Any], user_name: str) -> str:
    """Return the bearer token, renewed when it has expired. Raises CredentialsProblem.

    Only `oidc` passes: the others were removed from kubectl in 1.26, and the package ignores them. Nothing is
    written back to the kubeconfig, so the next run renews again.
    """
    name = str(provider.get("name") or "")
    if name != "oidc":
        advice = {"gcp": "use gke-gcloud-auth-plugin", "azure": "use kubelogin"}.get(name, "use an exec plugin")
        raise CredentialsProblem(f"the auth provider {name or '(none)'} no longer exists", advice)
    says = f"the credentials of {user_name or 'the user'} could not be obtained"
    again = CredentialsProblem(says, "log in again, or type --token")
    try:
        header = _load({"name": name, "config": dict(provider.get("config") or {})})
    except Exception as error:  # requests, oauthlib and urllib3 each raise their own, from a server we do not know
        raise again from error
    # The package goes on without a token where it should fail: its answer counts, not its silence.
    kind, _, token = header.partition(" ")
    if kind != "Bearer" or not token:
        raise again
    return token


def _load(provider: Mapping[str, Any]) -> str:
    """Give the package a kubeconfig of one user and return the Authorization header that it would send."""
    from kubernetes.client.configuration import Configuration
    from kubernetes.config import kube_config

    document = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": "http://unused"}}],
        "users": [{"name": "it", "user": {"auth-provider": provider}}],
    }
    settings = Configuration()
    load: Any = kube_config.load_kube_config_from_dict  # untyped in the package
    load(document, client_configuration=settings, persist_config=False)
    return str(settings.api_key.get("BearerToken") or "")
