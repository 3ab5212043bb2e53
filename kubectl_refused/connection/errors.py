"""What can go wrong between us and the API server, each as one line for a person.

A message says what was wrong and what to type instead. It never holds a token, a header or a key, and text
that came from a file or a server is stripped of control sequences, as it ends on a terminal (CVE-2021-25743).
"""

from __future__ import annotations

import unicodedata

LONGEST_MESSAGE = 600


def one_line(text: str, *, limit: int = LONGEST_MESSAGE) -> str:
    """Return `text` on one line, cut at `limit` characters, without control and bidirectional characters."""
    plain = "".join(" " if char.isspace() or unicodedata.category(char)[0] == "C" else char for char in text)
    joined = " ".join(plain.split())
    return joined if len(joined) <= limit else f"{joined[: limit - 1]}…"


class ConnectionProblem(Exception):
    """The cluster could not be asked. `message` is one line; `instead` is the part that says what to do."""

    def __init__(self, says: str, instead: str = "") -> None:
        self.instead = one_line(instead)
        self.message = one_line(says) + (f"; {self.instead}" if instead else "")
        super().__init__(self.message)


class NoConfiguration(ConnectionProblem):
    """There is no kubeconfig, and we are not in a pod."""


class BadConfiguration(ConnectionProblem):
    """A kubeconfig or a flag is wrong: unreadable, contradictory, or it names what does not exist."""


class CredentialsProblem(ConnectionProblem):
    """Credentials could not be obtained, or the API server does not accept them (401)."""


class Unreachable(ConnectionProblem):
    """No answer from the API server: name, network, TLS or a time-out."""


class Forbidden(ConnectionProblem):
    """403.

    `by_admission` is true when the caller may do this, but a quota, a policy or Pod Security says no.
    """

    def __init__(
        self, verb: str, resource: str, namespace: str, message: str, *, by_admission: bool = False
    ) -> None:
        self.verb, self.resource, self.namespace = verb, resource, namespace
        self.by_admission = by_admission
        self.server_message = one_line(message)
        where = f" in namespace {namespace}" if namespace else ""
        says = f"may not {verb} {resource}{where}"
        if by_admission:
            super().__init__(f"{says}: {self.server_message}")
        else:
            check = f"kubectl auth can-i {verb} {resource}" + (f" -n {namespace}" if namespace else "")
            super().__init__(says, f"check with: {check}")


class NotFound(ConnectionProblem):
    """404: the object, or with an empty `name` the resource itself, does not exist."""

    def __init__(self, resource: str, name: str, message: str) -> None:
        self.resource, self.name = resource, name
        self.server_message = one_line(message)
        super().__init__(self.server_message or f"there is no {resource} {name}")


class ApiProblem(ConnectionProblem):
    """Any other answer that is no success. `from_api_server` is false when the body was no Status object.

    The difference matters behind the pod and service proxies, where a 503 may be the application's own.
    """

    def __init__(self, status: int, reason: str, message: str, *, from_api_server: bool = True) -> None:
        self.status, self.reason = status, one_line(reason)
        self.server_message = one_line(message)
        self.from_api_server = from_api_server
        detail = f": {self.server_message}" if self.server_message else ""
        super().__init__(f"the API server answers {status} {self.reason}{detail}")


class Cancelled(Exception):
    """The run was cancelled (Ctrl-C, SIGTERM) while this call waited."""
