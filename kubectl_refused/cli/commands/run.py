"""`kubectl refused run -- COMMAND`: run tests with the cluster watched, and say why their connections failed."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import CONNECTION, RUN


def _run(words: Sequence[str], values: Values) -> int:
    """Run it; raises UsageProblem, and NotStarted for what is no command."""
    from kubectl_refused.cli.request import whole_request_of
    from kubectl_refused.cli.running import run_command
    from kubectl_refused.errors import UsageProblem

    if not words:
        raise UsageProblem("no command stands behind the dashes", "type kubectl refused run -- COMMAND")
    return run_command(words, whole_request_of(values, COMMAND.options))


COMMAND = Command(
    "run",
    "Run a command, and if it fails say which Services refused connections meanwhile, and why.",
    "",
    RUN + CONNECTION,
    _run,
    follows="COMMAND [ARGUMENT]...",
    details="""
    A Service that is called run is asked about as svc/run.

    The command has our streams, gets our signals, and its exit code is ours: 127 if there is no such command, 126
    if it cannot be executed, 128+n if a signal ends it. Services, EndpointSlices, pods and events of the namespace
    (-A: of all) are watched. If it fails, stderr tells what did not accept meanwhile, also what works again, with
    a timeline; addresses in its output are traced to Services, pods and nodes, and what is still broken is
    diagnosed. --report writes that as data, whether it fails or not.

    Examples:
      kubectl refused run -n e2e -- go test ./e2e/...
      kubectl refused run -n e2e --report json=refused.json -- npm test

    Exit codes:
      that of the command, and before it is run
      2         wrong usage
      126, 127  it cannot be executed, or is not there
    """,
)
