"""`kubectl refused cleanup`: remove what killed runs left in the cluster before it goes by itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import CONNECTION, VERBOSE, Option

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection
    from kubectl_refused.connection.options import ConnectionOptions
    from kubectl_refused.probes.cleanup import Leftover

_OPTIONS = (
    Option("--all-namespaces", "Look in all namespaces", short="-A"),
    Option("--all", "Remove young ones too, which a running diagnosis may be using"),
    Option("--dry-run", "Only say what would be removed"),
    VERBOSE,
    *CONNECTION,
)


def _run(words: Sequence[str], values: Values) -> int:
    from kubectl_refused.cli.request import connection_of
    from kubectl_refused.cli.supervise import supervise

    return supervise(_Cleanup(connection_of(values), values, sys.stdout), verbose=bool(values["verbose"]))


class _Cleanup:
    """The clean-up as supervise.Job. It creates nothing, so nothing is left when it is interrupted."""

    def __init__(self, options: ConnectionOptions, values: Values, out: TextIO) -> None:
        self._options, self._values, self._out = options, values, out
        self._connection: Connection | None = None

    def work(self) -> int:
        """Remove, and tell each on a line."""
        from kubectl_refused.connection.client import connect
        from kubectl_refused.probes.cleanup import leftovers

        connection = self._connection = connect(self._options)
        namespace = None if self._values["all_namespaces"] else connection.namespace
        found = leftovers(connection, namespace)
        for leftover in found:
            self._out.write(
                f"{leftover} in namespace {leftover.namespace} {self._deal_with(leftover, connection)}\n"
            )
        if not found:
            self._out.write(f"nothing to remove in {f'namespace {namespace}' if namespace else 'any namespace'}\n")
        return 0

    def cancel(self) -> None:
        """End the running request."""
        if self._connection is not None:
            self._connection.cancel.set()

    def clean_up(self, deadline: float) -> None:
        """Nothing was created."""

    def left(self) -> Sequence[str]:
        """Nothing was created."""
        return ()

    def _deal_with(self, leftover: Leftover, connection: Any) -> str:
        from kubectl_refused.probes.cleanup import remove

        if not (leftover.overdue or self._values["all"]):
            return f"is {leftover.age:.0f} s old and may be in use; remove it with --all"
        if self._values["dry_run"]:
            return "would be deleted"
        remove(connection, leftover.path, leftover.uid)
        return "deleted"


COMMAND = Command(
    "cleanup",
    "Remove Jobs and pods that killed runs left in the cluster. They also end by themselves.",
    "",
    _OPTIONS,
    _run,
)
