"""Run programs: with the cache's Debian tools in reach, a time limit, and readable failures."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError

LIMIT_SECONDS = 60.0


def run(
    argv: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    given: str | bytes | None = None,
    check: bool = True,
    timeout: float = LIMIT_SECONDS,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run to the end and return the output as text; `ClusterError` if it fails or is too slow."""
    words = [str(word) for word in argv]
    data = given.encode() if isinstance(given, str) else given
    # Without input the child must see an end, never this process's terminal.
    stdin = subprocess.DEVNULL if data is None else None
    try:
        raw = subprocess.run(
            words, env=environment, input=data, stdin=stdin, capture_output=True, timeout=timeout, cwd=cwd
        )
    except FileNotFoundError as error:
        raise ClusterError(f"{words[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(words[:6])}: no end within {timeout:.0f} s") from error
    done = subprocess.CompletedProcess(
        words, raw.returncode, raw.stdout.decode(errors="replace"), raw.stderr.decode(errors="replace")
    )
    if check and done.returncode != 0:
        detail = (done.stderr or done.stdout).strip()[-2000:]
        raise ClusterError(f"{' '.join(words[:8])}: exit {done.returncode}: {detail}")
    return done
