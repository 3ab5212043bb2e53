"""Run commands in turns and compare how long they take."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

LIMIT_SECONDS = 90.0


@dataclass(frozen=True)
class Command:
    """A command to time; `accepts` are the exit codes of a run that did its work."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    accepts: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Times:
    """How long each run took, in seconds."""

    name: str
    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of all runs; the measure to compare by."""
        return statistics.median(self.runs)

    @property
    def spread(self) -> str:
        """`median (min–max)`, in seconds or milliseconds."""
        return f"{shown(self.median)} ({shown(min(self.runs))}–{shown(max(self.runs))})"


def shown(seconds: float) -> str:
    """`1.23 s`, or `45 ms` where that reads better."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def once(command: Command) -> float:
    """Seconds of one run. Raises RuntimeError where it failed: a failed run is quick and means nothing."""
    began = time.perf_counter()
    done = subprocess.run(
        command.argv,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode not in command.accepts:
        detail = done.stderr.decode(errors="replace").strip()[-500:]
        raise RuntimeError(f"{command.name}: exit code {done.returncode}: {detail}")
    return took


def in_turns(
    commands: Sequence[Command], rounds: int, *, run: Callable[[Command], float] = once
) -> tuple[Times, ...]:
    """Time A B A B …, so that a machine that slows down does so for all; a first round only warms up."""
    for command in commands:
        run(command)
    taken: dict[str, list[float]] = {command.name: [] for command in commands}
    for _ in range(rounds):
        for command in commands:
            taken[command.name].append(run(command))
    return tuple(Times(name, tuple(runs)) for name, runs in taken.items())
