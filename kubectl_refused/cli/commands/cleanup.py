"""`kubectl refused cleanup`: remove what killed runs left in the cluster before it goes by itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.durations import seconds_of
from kubectl_refused.cli.exit_codes import NO_FAULT, NOT_PROVED
from kubectl_refused.cli.options import CONNECTION, VERBOSE, Option

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection
    from kubectl_refused.connection.errors import ConnectionProblem
    from kubectl_refused.connection.options import ConnectionOptions
    from kubectl_refused.probes.cleanup import Leftover

MOST_TOLD = 10  # lines about what may not be looked at
_OPTIONS = (
    Option("--all-namespaces", "Look in all namespaces", short="-A"),
    Option("--older-than", "Remove only what is older: 10m, 1h30m", "TIME"),
    Option("--all", "Remove young ones too, which a running diagnosis may be using"),
    Option("--dry-run", "Only say what would be removed"),
    VERBOSE,
    *CONNECTION,
)


def _run(words: Sequence[str], values: Values) -> int:
    from kubectl_refused.cli.request import connection_of
    from kubectl_refused.cli.supervise import supervise

    age = seconds_of(values["older_than"] or "0", "--older-than")
    return supervise(_Cleanup(connection_of(values), values, age), verbose=bool(values["verbose"]))


class _Cleanup:
    """The clean-up as supervise.Job. It creates nothing, so nothing is left when it is interrupted."""

    def __init__(self, options: ConnectionOptions, values: Values, age: float) -> None:
        self._options, self._values, self._age = options, values, age
        self._connection: Connection | None = None

    def work(self) -> int:
        """Remove, and tell each on a line. 3 when something may not be looked at or could not be deleted."""
        from kubectl_refused.connection.client import connect
        from kubectl_refused.probes.cleanup import survey

        connection = self._connection = connect(self._options)
        namespace = None if self._values["all_namespaces"] else connection.namespace
        seen = survey(connection, namespace)
        results = [self._deal_with(old, connection, sys.stdout) for old in seen.found]
        if not results:
            where = f"namespace {namespace}" if namespace else "any namespace"
            sys.stdout.write(f"nothing to remove in {where}{' that may be looked in' if seen.unseen else ''}\n")
        elif len(results) > 1:
            told = (f"{results.count(result)} {result}" for result in dict.fromkeys(results))
            sys.stdout.write(f"{len(results)} found: {', '.join(told)}\n")
        _tell_unseen(seen.unseen, sys.stderr)
        return NOT_PROVED if seen.unseen or "not deleted" in results else NO_FAULT

    def cancel(self) -> None:
        """End the running request."""
        if self._connection is not None:
            self._connection.cancel.set()

    def clean_up(self, deadline: float) -> None:
        """Nothing was created."""

    def going(self) -> Sequence[str]:
        """Nothing: no command is run in a container."""
        return ()

    def left(self) -> Sequence[str]:
        """Nothing was created."""
        return ()

    def _deal_with(self, old: Leftover, connection: Connection, out: TextIO) -> str:
        """Write the line, and return what happened in a word or two, as it is counted."""
        result, line = self._fate(old, connection)
        out.write(f"{old} in namespace {old.namespace} {line}\n")
        return result

    def _fate(self, old: Leftover, connection: Connection) -> tuple[str, str]:
        from kubectl_refused.connection.errors import ApiProblem, Forbidden
        from kubectl_refused.probes.cleanup import remove

        if old.age <= self._age:
            return "kept", f"is {old.age:.0f} s old, not older than {self._values['older_than']}"
        if not (old.overdue or self._values["all"]):
            return "kept", f"is {old.age:.0f} s old and may be in use; remove it with --all"
        if self._values["dry_run"]:
            return "to delete", "would be deleted"
        try:
            remove(connection, old.path, old.uid)
        except (Forbidden, ApiProblem) as problem:
            if isinstance(problem, ApiProblem) and problem.status == 409:
                return "gone", "is gone; another one has its name"
            return "not deleted", f"could not be deleted: {problem.message}"
        return "deleted", "deleted"


def _tell_unseen(problems: Sequence[ConnectionProblem], errors: TextIO) -> None:
    for problem in problems[:MOST_TOLD]:
        errors.write(f"not looked at: {problem.message}\n")
    if len(problems) > MOST_TOLD:
        errors.write(f"not looked at: {len(problems) - MOST_TOLD} more that may not be listed\n")


COMMAND = Command(
    "cleanup",
    "Remove Jobs and pods that killed runs left in the cluster. They also end by themselves.",
    "",
    _OPTIONS,
    _run,
    details="""
    Removed is what no running diagnosis can be using, by its age; --all removes the rest too.

    Exit codes:
      0   all is removed, or kept for its age
      3   something may not be looked at, or could not be deleted
      4   no cluster or no credentials, or nothing may be looked at
    """,
)
