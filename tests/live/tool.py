"""The tool as a user runs it, against a cluster of the suite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN_SECONDS = 90.0
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Answer:
    """One run: its exit code, both streams, and the report where `-o json` was asked for."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        assert self.out, f"no report: exit code {self.code}, stderr: {self.err}"
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def root(self) -> str | None:
        """The root's name, None where nothing is wrong."""
        root = self.report["root"]
        return root["name"] if root else None

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def refused(
    kubeconfig: Path, *words: str, env: dict[str, str] | None = None, seconds: float = RUN_SECONDS
) -> Answer:
    """Run `kubectl-refused WORDS` with that kubeconfig and no other configuration of the user's."""
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_refused", "--kubeconfig", str(kubeconfig), *words],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, "KUBECONFIG": os.devnull, "NO_COLOR": "1", **(env or {})},
        stdin=subprocess.DEVNULL,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def says(root: str | None, code: int | None = None, text: str = "") -> Callable[[Answer], bool]:
    """Whether an answer is all that is awaited: that root, the exit code of a proved one (or `code`), the text."""
    wanted = (root, int(root is not None) if code is None else code)
    return lambda answer: bool(answer.out) and (answer.root, answer.code) == wanted and text in answer.out


def until(answers: Callable[[], Answer], holds: Callable[[Answer], bool], seconds: float) -> Answer:
    """Run again until the answer holds, as a cluster takes a while to break; else the last answer."""
    deadline = time.monotonic() + seconds
    answer = answers()
    while not holds(answer) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        answer = answers()
    return answer
