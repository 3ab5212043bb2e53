"""What is said where an engine does not answer: one line, and what to type instead."""

from __future__ import annotations

import re
from typing import NamedTuple

from kubectl_refused.errors import RefusedError, shown

_JOIN = "try with sudo, or join the group docker"
_OWN = "try with sudo, or as the user whose Podman it is"
_START = "start it, or say where it is with DOCKER_HOST or docker context use"
_START_PODMAN = "start it with systemctl --user start podman.socket, or say where it is with CONTAINER_HOST"
_WITH_TLS = "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem"


class EngineProblem(RefusedError):
    """No engine answers, or it may not be asked."""

    exit_code = 4


class Asked(NamedTuple):
    """The engine that was asked: where, what named it, and whether it is Podman's."""

    endpoint: str
    by: str = ""
    podman: bool = False

    @property
    def at(self) -> str:
        """`tcp://10.0.0.1:2376 (DOCKER_HOST)`."""
        return shown(self.endpoint) + (f" ({self.by})" if self.by else "")

    @property
    def start(self) -> str:
        """What to do where none is there."""
        return _START_PODMAN if self.podman else _START


def not_there(asked: Asked) -> EngineProblem:
    """No socket of that name."""
    return EngineProblem(f"no {'Podman' if asked.podman else 'container engine'} is at {asked.at}", asked.start)


def not_allowed(asked: Asked) -> EngineProblem:
    """A socket that this user may not open."""
    podman = asked.podman or "podman" in asked.endpoint
    return EngineProblem(f"{asked.at} may not be opened by this user", _OWN if podman else _JOIN)


def problem_of(error: BaseException, asked: Asked) -> EngineProblem:
    """One line of what went wrong: docker, requests, urllib3 and ssl all wrap what the system said."""
    said = str(error)
    if "Permission denied" in said and not asked.endpoint.startswith("ssh"):
        return not_allowed(asked)
    if "FileNotFoundError" in said or "No such file" in said:
        return not_there(asked)
    told = _of_tls(said, asked) or _of_network(said, asked)
    if told:
        return told
    return EngineProblem(f"the container engine at {asked.at} does not answer: {first_line(error)}", asked.start)


def _of_tls(said: str, asked: Asked) -> EngineProblem | None:
    """TLS on one side only, or certificates that the other side does not take."""
    at = asked.at
    if "HTTP request to an HTTPS server" in said:
        return EngineProblem(f"{at} speaks TLS, and was asked without", _WITH_TLS)
    if "WRONG_VERSION_NUMBER" in said or "record layer failure" in said.lower():
        return EngineProblem(
            f"{at} speaks no TLS, and was asked with it", "unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
        )
    if "CERTIFICATE_VERIFY_FAILED" in said or "doesn't match" in said or "Hostname mismatch" in said:
        why = re.search(r"certificate verify failed: ([^(\"]{1,120})", said)
        reason = f": {shown(why[1].strip())}" if why else ""
        return EngineProblem(f"the certificate of {at} is not trusted{reason}", f"its CA must be in {_ca(asked)}")
    # An engine that does not take the certificate may also just hang up.
    if re.search(
        r"alert (?:certificate required|bad certificate|unknown ca|handshake failure)|EOF occurred in violation",
        said,
        re.IGNORECASE,
    ):
        return EngineProblem(f"{at} takes no client without a certificate of its CA", _WITH_TLS)
    return None


def _ca(asked: Asked) -> str:
    name = asked.by.removeprefix("the context ")
    context = f"docker context update {name} --docker host={shown(asked.endpoint)},ca=FILE,cert=FILE,key=FILE"
    return f"the context: {context}" if name != asked.by else "ca.pem of DOCKER_CERT_PATH"


def _of_network(said: str, asked: Asked) -> EngineProblem | None:
    if "refused" in said:
        return EngineProblem(f"no container engine listens at {asked.at}", asked.start)
    if "Name or service not known" in said or "NameResolution" in said or "getaddrinfo" in said:
        return EngineProblem(f"there is no host of the name in {asked.at}", f"mend {asked.by or 'it'}")
    if "timed out" in said or "Timeout" in said:
        return EngineProblem(
            f"the container engine at {asked.at} does not answer in time",
            f"see whether {asked.by or 'it'} is right",
        )
    return None


def first_line(error: BaseException) -> str:
    """What it says, on one line."""
    return shown(" ".join(str(error).split()) or type(error).__name__)
