"""The diff shows the change with its surroundings, and neither secrets nor what the server keeps."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.fixes.difference import difference

LAST = "kubectl.kubernetes.io/last-applied-configuration"


def deployment(command: str, **metadata: Any) -> dict[str, Any]:
    env = [{"name": "LANG", "value": "C"}, {"name": "DB_PASSWORD", "value": "hunter2"}]
    container = {"name": "web", "env": env, "command": [command]}
    return {"metadata": {"name": "web", **metadata}, "spec": {"containers": [container]}}


def test_the_change_and_three_lines_around_it() -> None:
    lines = difference(deployment("listen 127.0.0.1"), deployment("listen 0.0.0.0"), "deployment/web")
    assert lines[:2] == ["--- deployment/web as it is", "+++ deployment/web with the fix"]
    assert "-    - listen 127.0.0.1" in lines
    assert "+    - listen 0.0.0.0" in lines
    assert "     - name: DB_PASSWORD" in lines
    assert not any("metadata" in line for line in lines)


def test_no_secret_is_shown() -> None:
    told = "\n".join(difference(deployment("a"), deployment("a --password hunter2"), "deployment/web"))
    assert "hunter2" not in told
    assert "value: '***'" in told


def test_what_the_server_keeps_is_no_difference() -> None:
    before = deployment("a", resourceVersion="1", annotations={LAST: '{"a":1}'})
    after = deployment("a", resourceVersion="2", annotations={LAST: '{"a":2}'}, managedFields=[1])
    assert difference(before, after, "deployment/web") == []


@given(st.text(), st.text())
def test_nothing_in_it_steers_a_terminal(one: str, other: str) -> None:
    for line in difference(deployment(one), deployment(other), "deployment/web"):
        assert line.isprintable()
        assert line.isascii()
