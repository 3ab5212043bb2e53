"""What an exit code says: 128 + n is a signal's (bash(1), EXIT STATUS), 126 and 127 are the shell's and runc's."""

from __future__ import annotations

from kubectl_refused.model.objects import ContainerStateTerminated
from kubectl_refused.text import one_line

_MEANINGS = {
    0: "it ends by itself with success, and a server must stay in the foreground",
    126: "the command cannot be executed: no permission, or made for another architecture",
    127: "the command was not found",
    132: "SIGILL: built for another processor",
    134: "SIGABRT: it gave up by itself",
    135: "SIGBUS",
    136: "SIGFPE: arithmetic",
    137: "SIGKILL: killed from outside, as by a liveness probe that failed",
    139: "SIGSEGV: it crashed in its own code",
    143: "SIGTERM: stopped from outside, as by a liveness probe that failed",
}


def exit_told(ended: ContainerStateTerminated) -> str:
    """`exit code 137, OOMKilled: it used more memory than its limit`."""
    code = f"exit code {ended.exit_code}"
    if ended.reason == "OOMKilled":
        return f"{code}, OOMKilled: it used more memory than its limit"
    if ended.reason in ("StartError", "ContainerCannotRun"):
        return f"{code}, {ended.reason}: {innermost(ended.message)}"
    meaning = _MEANINGS.get(ended.exit_code)
    return f"{code} ({meaning})" if meaning else code


def innermost(message: str) -> str:
    """The end of a chain of wrapped Go errors, where the cause stands (`stat /app: no such file or directory`)."""
    parts = one_line(message, 2000).removesuffix(": unknown").split(": ")
    return one_line(": ".join(parts[-3:]))
