"""Which addresses of a spec are changed so that a server is reachable, and which are not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.fixes.bind import bind_everywhere, everywhere
from kubectl_refused.model.facts import WORKLOAD, Need, PodKey
from tests.scenery import pod, scene, workload

OWNED: dict[str, Any] = {
    "labels": {"app": "web"},
    "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}],
}
FACTS = {Need(WORKLOAD, PodKey("shop", "web-1")): workload()}


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        ("-p", "127.0.0.1:8080", "0.0.0.0:8080"),
        ("-b", "127.0.0.1", "0.0.0.0"),
        ("--host", "localhost", "0.0.0.0"),
        ("app", "--bind=[::1]:8080", "--bind=[::]:8080"),
        ("app", "--http-address=http://127.0.0.1:8080", "--http-address=http://0.0.0.0:8080"),
        ("-c", "server.bind(('127.0.0.1', 8080))", "server.bind(('0.0.0.0', 8080))"),
        ("-c", "exec httpd -f -p 127.0.0.1:8080", "exec httpd -f -p 0.0.0.0:8080"),
        ("HOST", "127.0.0.1", "0.0.0.0"),
        ("LISTEN_ADDR", "localhost:8080", "0.0.0.0:8080"),
        ("FLASK_RUN_HOST", "::1", "::"),
    ],
)
def test_what_listens_is_changed(before: str, word: str, after: str) -> None:
    assert everywhere(word, port=8080, before=before) == after


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("DB_HOST", "127.0.0.1"),
        ("REDIS_URL", "redis://localhost:6379"),
        ("app", "--upstream=http://127.0.0.1:8080"),
        ("app", "--database-host=localhost"),
        ("--peer", "127.0.0.1:9000"),
        ("--listen", "127.0.0.1:9000"),
        ("--listen", "0.0.0.0:8080"),
        ("-c", "curl localhost"),
        ("--name", "my-localhost-app"),
    ],
)
def test_what_is_dialled_or_another_port_is_left(before: str, word: str) -> None:
    assert everywhere(word, port=8080, before=before) == word


@given(st.text(max_size=80), st.text(max_size=20))
def test_no_address_no_change(word: str, before: str) -> None:
    if not any(local in word for local in ("127.", "localhost", "::1")):
        assert everywhere(word, port=80, before=before) == word


def test_a_command_is_patched_in_the_workload() -> None:
    made = pod(container={"command": ["httpd", "-p", "127.0.0.1:8080"]}, metadata=OWNED)
    fix = bind_everywhere(scene(made, facts=FACTS), made, 8080)
    assert fix.command is not None
    assert fix.command.startswith("kubectl patch deployment/web -p ")
    assert '"command":["httpd","-p","0.0.0.0:8080"]' in fix.command


def test_only_the_variable_that_differs_is_patched() -> None:
    env = [{"name": "DB_HOST", "value": "127.0.0.1"}, {"name": "BIND", "value": "127.0.0.1"}]
    made = pod(container={"env": env}, metadata=OWNED)
    fix = bind_everywhere(scene(made, facts=FACTS), made, 8080)
    assert fix.patch is not None
    (container,) = fix.patch["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "BIND", "value": "0.0.0.0"}]


def test_a_long_script_is_shown_in_part_and_patched_whole() -> None:
    script = "import socket\n" + "# words\n" * 20 + 'socket.create_server(("x", 1)); s.bind(("127.0.0.1", 8080))\n'
    made = pod(container={"command": ["python3", "-c", script]}, metadata=OWNED)
    fix = bind_everywhere(scene(made, facts=FACTS), made, 8080)
    assert "\n" not in fix.summary
    assert len(fix.summary) < 250
    assert fix.patch is not None
    (container,) = fix.patch["spec"]["template"]["spec"]["containers"]
    assert container["command"][2] == script.replace("127.0.0.1", "0.0.0.0")


def test_where_the_spec_does_not_say_it_words_are_left() -> None:
    made = pod(metadata=OWNED)
    fix = bind_everywhere(scene(made, facts=FACTS), made, 8080)
    assert fix.command is None
    assert fix.owner == "deployment/web"
    assert "0.0.0.0:8080" in fix.summary
