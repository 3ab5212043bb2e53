"""The entry points. Everything is imported late: `--version` and completion answer before typer is loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence

MANY_OBJECTS = 100_000


def main() -> int:
    """Run the command line in sys.argv and return the exit code."""
    from .outlet import guard, leave

    guard()
    arguments = sys.argv[1:]
    try:
        code = _run(arguments)
    except KeyboardInterrupt:  # while modules load; later the supervisor takes care
        sys.stderr.write("interrupted; nothing is left behind\n")
        code = 130
    return leave(code)


def complete() -> int:
    """Complete the command line in sys.argv for kubectl (kubectl_complete-refused); never fails."""
    from .completion import answer

    return answer(sys.argv[1:])


def _run(arguments: Sequence[str]) -> int:
    """Choose the command, parse for it and run it; a problem is one line on stderr."""
    if arguments[:1] == ["--version"]:
        from .version import write_version

        return write_version()
    import gc

    # What a run makes stays, modules above all: looking through it for garbage again and again takes 20 ms.
    gc.set_threshold(MANY_OBJECTS)
    from kubectl_refused.errors import RefusedError

    from .command import choose, program_name

    command, rest = choose(arguments)
    try:
        from .app import invoke

        return invoke(command, program_name(sys.argv[0]), rest)
    except RefusedError as problem:
        sys.stderr.write(f"error: {problem.message}\n")
        return problem.exit_code
