"""What kind of machine this is, and its other network namespaces."""

from __future__ import annotations

import pytest

from kubectl_refused.host import machine, spaces
from kubectl_refused.host.programs import output, program


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("Linux version 5.15.153.1-microsoft-standard-WSL2 (root@x) (gcc 11)", "wsl"),
        ("Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)", "wsl"),
    ],
)
def test_wsl_is_told_by_its_kernel(version: str, kind: str) -> None:
    assert machine.kind(version) == kind


def test_this_machine() -> None:
    seen = machine.read_machine()
    assert 0 <= seen.low_port <= 65536
    assert seen.kind in ("", "container", "wsl")


def test_who_is_not_root_looks_into_no_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "is_root", lambda: False)
    seen = spaces.read_spaces()
    assert not isinstance(seen, tuple)
    assert seen.remedy == "run it with sudo"


def test_programs_are_bounded_and_say_why_they_failed() -> None:
    assert output([program("sh"), "-c", "echo hello"]) == ("hello\n", "")
    assert output([program("sh"), "-c", "echo no >&2; exit 3"]) == ("", "no")
    assert output([program("sh"), "-c", "exit 3"]) == ("", "it ended with 3")
    assert output([program("sleep"), "5"], within=0.05) == ("", "it took longer than 0.05 s")
    assert program("no-such-program") == ""
    assert output(["/no/such/program"])[1]
