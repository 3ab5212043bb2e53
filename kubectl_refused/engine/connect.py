"""Find the container engine and connect to it: DOCKER_HOST, contexts, TLS and SSH as the docker CLI takes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.errors import RefusedError, UsageProblem, shown
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.trace.nearest import nearest

DEFAULT = "unix:///var/run/docker.sock"
TIMEOUT = 10  # seconds for one answer
_JOIN = "try with sudo, or join the group docker"
_START = "start it, or say where it is with DOCKER_HOST or docker context use"


class EngineProblem(RefusedError):
    """No engine answers, or it may not be asked."""

    exit_code = 4


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


def connect(environment: Mapping[str, str] = os.environ) -> EngineConnection:
    """The engine that the docker CLI would ask; where nobody named one, Podman's too. Raises EngineProblem."""
    from docker.errors import DockerException, TLSParameterError

    try:
        settings = _settings(environment)
    except TLSParameterError as error:
        raise EngineProblem(f"DOCKER_TLS_VERIFY and DOCKER_CERT_PATH: {_first_line(error)}") from error
    except (DockerException, OSError, ValueError) as error:
        raise EngineProblem(
            f"Docker's context cannot be read: {_first_line(error)}", "try DOCKER_CONTEXT=default"
        ) from error
    _check_socket(settings["base_url"])
    try:
        return EngineConnection(_client(settings), settings["base_url"])
    except Exception as error:  # docker, requests, urllib3, paramiko and ssl all have trees of their own
        raise _problem(error, settings["base_url"]) from error


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


def _client(settings: Mapping[str, Any]) -> Any:
    from docker import APIClient

    return APIClient(version="auto", timeout=TIMEOUT, use_ssh_client=True, **settings)


def _settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """base_url, and tls where it is wanted."""
    from docker.context import ContextAPI
    from docker.utils import kwargs_from_env

    # From `environment` alone a context is followed too: the CLI prefers DOCKER_HOST to it.
    if environment.get("DOCKER_HOST"):
        named: dict[str, Any] = kwargs_from_env(environment=dict(environment))
        return {**named, "base_url": environment["DOCKER_HOST"]}
    wanted = environment.get("DOCKER_CONTEXT") or None
    if wanted and ContextAPI.get_context(wanted) is None:
        raise ValueError(f"there is no context {shown(wanted)}")
    given: dict[str, Any] = ContextAPI.kwargs_from_context(wanted, environment=dict(environment))
    found = str(given.get("base_url") or DEFAULT).replace("http+unix://", "unix://")
    if found == DEFAULT and sys.platform != "win32":
        found = next((f"unix://{path}" for path in _sockets(environment) if path.exists()), DEFAULT)
    return {**given, "base_url": found}


def _sockets(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where engines of this machine listen: Docker, rootless Docker, Podman of the user and of the machine."""
    yield Path(DEFAULT.removeprefix("unix://"))
    if own := environment.get("XDG_RUNTIME_DIR"):
        yield Path(own, "docker.sock")
        yield Path(own, "podman", "podman.sock")
    yield Path("/run/podman/podman.sock")


def _check_socket(endpoint: str) -> None:
    """Raise EngineProblem for a socket not there or not to be opened: the client would leave its own open."""
    path = endpoint.removeprefix("unix://")
    if not endpoint.startswith("unix://"):
        return
    if not os.path.lexists(path):
        raise EngineProblem(f"no container engine is at {shown(endpoint)}", _START)
    effective = os.access in os.supports_effective_ids
    if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK, effective_ids=effective):
        raise EngineProblem(f"{shown(endpoint)} may not be opened by this user", _JOIN)


def _problem(error: Exception, endpoint: str) -> EngineProblem:
    """One line of what went wrong."""
    said, at = str(error), shown(endpoint)
    if "Permission denied" in said:
        return EngineProblem(f"{at} may not be opened by this user", _JOIN)
    if "FileNotFoundError" in said or "No such file" in said:
        return EngineProblem(f"no container engine is at {at}", _START)
    if "refused" in said:
        return EngineProblem(f"no container engine listens at {at}", _START)
    return EngineProblem(f"the container engine at {at} does not answer: {_first_line(error)}", _START)


def _first_line(error: BaseException) -> str:
    return shown(" ".join(str(error).split()) or type(error).__name__)
