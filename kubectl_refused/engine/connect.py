"""Connect to the container engine (places.py says which) through the package `docker`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.trace.nearest import nearest

from .places import Place, Tls, place_of_engine
from .problems import EngineProblem, not_allowed, not_there, problem_of

TIMEOUT = 10  # seconds for one answer
# What the API has had for long: replaced by the engine's own version as soon as that is known.
FIRST_VERSION = "1.24"


class EngineConnection:
    """An engine's API. `endpoint` is where it is."""

    def __init__(self, api: Any, endpoint: str) -> None:
        self.api, self.endpoint = api, endpoint
        self.cancel = Cancel()

    @property
    def remote(self) -> str:
        """The host that it publishes ports on where it is reached by TCP or SSH; empty for a local socket."""
        at = urlsplit(self.endpoint)
        return "" if at.scheme in ("unix", "npipe") else at.hostname or ""

    def close(self) -> None:
        """Close its connections."""
        self.api.close()


def api_of(context: ProbeContext) -> Any:
    """The API that a method of ours is given in its context."""
    connection: Any = context.connection
    return connection.api


def connect(environment: Mapping[str, str] = os.environ, *, podman: bool = False) -> EngineConnection:
    """The engine that the docker CLI would ask, or podman; where nobody named one, whichever is there.

    Raises EngineProblem.
    """
    place = place_of_engine(environment, podman=podman)
    _check_socket(place)
    if place.endpoint.startswith("ssh://"):
        return EngineConnection(_through_ssh(place), place.endpoint)
    try:
        return EngineConnection(_client(place), place.endpoint)
    except Exception as error:  # docker, requests, urllib3 and ssl all have trees of their own
        raise problem_of(error, place.asked) from error


def check_container(connection: EngineConnection, name: str) -> None:
    """Raise UsageProblem for a client that is no container of the engine, with the nearest name."""
    names = [one.lstrip("/") for entry in connection.api.containers(all=True) for one in entry.get("Names") or ()]
    ids = [entry["Id"] for entry in connection.api.containers(all=True)]
    if name in names or any(len(name) >= 4 and one.startswith(name) for one in ids):
        return
    meant = nearest(name, names)
    raise UsageProblem(
        f"--from docker/{shown(name)}: there is no such container",
        f"did you mean docker/{shown(meant)}?" if meant else "docker ps -a lists them",
    )


def _client(place: Place) -> Any:
    from docker import APIClient
    from requests.utils import get_environ_proxies

    secure = place.tls is not None and urlsplit(place.endpoint).scheme in ("tcp", "https")
    more = {"tls": _tls(place.tls)} if place.tls and secure else {}
    api = APIClient(base_url=place.endpoint, version=FIRST_VERSION, timeout=TIMEOUT, **more)
    # REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE would take the place of the engine's own CA; proxies stay.
    api.proxies, api.trust_env = get_environ_proxies(api.base_url), False
    return _versioned(api)


def _versioned(api: Any) -> Any:
    """With the version that the engine itself names; closed where nothing answers."""
    try:
        api._version = api._retrieve_server_version()
    except Exception:
        api.close()
        raise
    return api


def _tls(files: Tls) -> Any:
    from docker.tls import TLSConfig

    if not files.verify:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # who sets it up knows
    own = (files.certificate, files.key) if files.certificate and files.key else None
    return TLSConfig(client_cert=own, ca_cert=files.ca or None, verify=files.verify)


def _through_ssh(place: Place) -> Any:
    from docker import APIClient

    from .ssh import SshAdapter, ssh_problem, way_of

    adapter = SshAdapter(way_of(place.endpoint, podman=place.podman), TIMEOUT)
    api = APIClient(base_url="unix:///ssh", version=FIRST_VERSION, timeout=TIMEOUT)
    api.mount("http+docker://", adapter)
    try:
        return _versioned(api)
    except Exception as error:
        raise ssh_problem(adapter, place.asked) from error


def _check_socket(place: Place) -> None:
    """Raise EngineProblem for a socket not there or not to be opened: the client would leave its own open."""
    path = place.endpoint.removeprefix("unix://")
    if not place.endpoint.startswith("unix://"):
        return
    if not os.path.lexists(path):
        raise not_there(place.asked)
    effective = os.access in os.supports_effective_ids
    if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK, effective_ids=effective):
        raise not_allowed(place.asked)


__all__ = ["EngineConnection", "EngineProblem", "api_of", "check_container", "connect"]
