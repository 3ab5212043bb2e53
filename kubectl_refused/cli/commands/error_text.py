"""`kubectl logs x | kubectl refused -`: what the failed connections in an error text mean, and why they fail."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import CONNECTION, TEXT


def _run(words: Sequence[str], values: Values) -> int:
    """Explain it; raises UsageProblem."""
    from kubectl_refused.cli.explaining import explain_text
    from kubectl_refused.cli.request import whole_request_of

    return explain_text(whole_request_of(values, COMMAND.options))


COMMAND = Command(
    "-",
    "Read an error text, trace the addresses of its failed connections, and diagnose the Services that are meant.",
    "",
    TEXT + CONNECTION,
    _run,
    details="""
    Understood are the errors of Go, Python, Node.js, the JVM, .NET, Ruby, Rust, curl, nginx, Redis and others:
      dial tcp 10.96.3.7:80: connect: connection refused

    Names without a namespace are those of the context's, or of -n. All else is as for kubectl refused svc/NAME.

    Exit codes:
      0   every address is a Service's that accepts now
      1   a fault was proved
      2   wrong usage, or an empty text
      3   an address is nobody's, the text has none, or no cause is proved
      4   no cluster or no credentials
      70  the program itself failed
      130 or 143 on Ctrl-C or SIGTERM
    """,
)
