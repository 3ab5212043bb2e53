"""Where the engine is: what the docker CLI or podman would ask, by variables, contexts and sockets.

docker/NAME   DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; the context; /var/run/docker.sock, the
              user's own, then Podman's
podman/NAME   CONTAINER_HOST; the user's socket, the machine's; DOCKER_HOST where that is Podman's
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from kubectl_refused.errors import shown

from .contexts import chosen_context
from .problems import Asked, EngineProblem

DEFAULT = "unix:///var/run/docker.sock"
SCHEMES = ("unix", "npipe", "tcp", "http", "https", "ssh")
PODMAN = "podman"
_FILES = ("ca.pem", "cert.pem", "key.pem")
_FORMS = "it is unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST"


class Tls(NamedTuple):
    """Files of TLS, each empty where there is none; `verify` is whether the server's certificate is checked."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True


class Place(NamedTuple):
    """An engine's endpoint; `by` is what named it, empty for a socket found; `podman` whether Podman is meant."""

    endpoint: str
    by: str = ""
    tls: Tls | None = None
    podman: bool = False

    @property
    def asked(self) -> Asked:
        """For messages."""
        return Asked(self.endpoint, self.by, self.podman)


def place_of_engine(environment: Mapping[str, str] = os.environ, *, podman: bool = False) -> Place:
    """Where to ask. Raises EngineProblem."""
    found = _podmans(environment) if podman else _dockers(environment)
    if not _is_place(found.endpoint):
        raise EngineProblem(f"{found.by} is {shown(found.endpoint)}, which is no place of an engine", _FORMS)
    return found


def _is_place(endpoint: str) -> bool:
    """Whether it can be one: a URL with a scheme that is known, and a port in range."""
    try:
        at = urlsplit(endpoint)
        return at.scheme in SCHEMES and (at.port or 0) >= 0
    except ValueError:
        return False


def _dockers(environment: Mapping[str, str]) -> Place:
    if host := environment.get("DOCKER_HOST"):
        return Place(_full(host), "DOCKER_HOST", _tls_of(environment))
    context = chosen_context(environment)
    if context is not None and context.host:
        files = _files_in(context.certificates)
        tls = Tls(*files, context.verify) if any(files) or not context.verify else None
        return Place(_full(context.host), f"the context {shown(context.name)}", tls)
    if sys.platform == "win32":
        return Place("npipe:////./pipe/docker_engine")
    found = next((path for path in _sockets(environment) if path.exists()), None)
    if found is None and (host := environment.get("CONTAINER_HOST")):
        return Place(host, "CONTAINER_HOST", podman=True)
    found = found or next((path for path in _podman_sockets(environment) if path.exists()), None)
    return Place(f"unix://{found}" if found else DEFAULT)


def _podmans(environment: Mapping[str, str]) -> Place:
    if host := environment.get("CONTAINER_HOST"):
        return Place(host, "CONTAINER_HOST", podman=True)
    places = list(_podman_sockets(environment))
    found = next((path for path in places if path.exists()), None)
    dockers = environment.get("DOCKER_HOST", "")
    if found is None and PODMAN in dockers:
        return Place(dockers, "DOCKER_HOST", _tls_of(environment), podman=True)
    return Place(f"unix://{found or places[0]}", podman=True)


def _full(host: str) -> str:
    """As the docker CLI takes it: a bare `HOST:PORT` is tcp, and a bare path a socket."""
    if "://" in host or not host:
        return host
    return f"unix://{host}" if host.startswith("/") else f"tcp://{host}"


def _files_in(folder: Path) -> tuple[str, str, str]:
    """The CA, the certificate and the key there, each empty where there is none."""
    ca, certificate, key = (str(folder / name) if (folder / name).exists() else "" for name in _FILES)
    return ca, certificate, key


def _tls_of(environment: Mapping[str, str]) -> Tls | None:
    """DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; DOCKER_TLS takes whoever answers. Raises EngineProblem."""
    verify, unsure = environment.get("DOCKER_TLS_VERIFY"), environment.get("DOCKER_TLS")
    given = environment.get("DOCKER_CERT_PATH")
    if not (verify or given or unsure):
        return None
    home = Path(environment.get("HOME") or Path.home())
    folder = Path(given or environment.get("DOCKER_CONFIG") or home / ".docker")
    ca, certificate, key = _files_in(folder)
    missing = next((n for n, file in zip(_FILES, (ca, certificate, key), strict=True) if not file), "")
    if missing and given and not (missing == "cert.pem" and ca and not key):
        raise EngineProblem(
            f"DOCKER_CERT_PATH: there is no {missing} in {shown(str(folder))}",
            "put ca.pem, cert.pem and key.pem there, or unset DOCKER_CERT_PATH and DOCKER_TLS_VERIFY",
        )
    return Tls(ca, certificate, key, verify=bool(verify or (given and not unsure)))


def _sockets(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Docker listens on this machine, and where it does without root."""
    yield Path(DEFAULT.removeprefix("unix://"))
    if own := environment.get("XDG_RUNTIME_DIR"):
        yield Path(own, "docker.sock")


def _podman_sockets(environment: Mapping[str, str]) -> Iterator[Path]:
    """Podman's of the user, and of the machine."""
    if own := environment.get("XDG_RUNTIME_DIR"):
        yield Path(own, "podman", "podman.sock")
    yield Path("/run/podman/podman.sock")
