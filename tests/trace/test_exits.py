"""Exit codes in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import ContainerStateTerminated
from kubectl_refused.trace.exits import exit_told, innermost

RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    'unable to start container process: exec: "/app/server": stat /app/server: no such file or directory: unknown'
)


@pytest.mark.parametrize(
    ("code", "reason", "word"),
    [
        (1, "Error", "exit code 1"),
        (127, "Error", "not found"),
        (126, "Error", "cannot be executed"),
        (137, "OOMKilled", "more memory than its limit"),
        (137, "Error", "SIGKILL"),
        (139, "Error", "SIGSEGV"),
        (143, "Error", "SIGTERM"),
        (0, "Completed", "foreground"),
    ],
)
def test_the_meaning_is_told(code: int, reason: str, word: str) -> None:
    told = exit_told(ContainerStateTerminated(exit_code=code, reason=reason))
    assert told.startswith(f"exit code {code}")
    assert word in told


def test_a_start_error_tells_the_runtimes_last_words() -> None:
    told = exit_told(ContainerStateTerminated(exit_code=128, reason="StartError", message=RUNC))
    assert told.endswith('"/app/server": stat /app/server: no such file or directory')
    assert "shim" not in told


@given(st.text())
def test_the_innermost_error_is_one_bounded_line(message: str) -> None:
    told = innermost(message)
    assert "\n" not in told
    assert len(told) <= 200
