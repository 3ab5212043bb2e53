"""What the harness is doing, on stderr: one line per step, with seconds since the start."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

STARTED = time.monotonic()
INTERVAL_SECONDS = 5.0


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def long_step(text: str, *, estimate: float) -> Iterator[None]:
    """Say every few seconds how long a slow step has run; `estimate` is in seconds."""
    began = time.monotonic()
    done = threading.Event()

    def report() -> None:
        while not done.wait(INTERVAL_SECONDS):
            say(f"{text}: {time.monotonic() - began:.0f} s of about {estimate:.0f} s")

    say(f"{text} (about {estimate:.0f} s)")
    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
