"""Compose files: what they promise, where it stands, and the mistakes that show before anything runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.errors import ManifestProblem
from kubectl_refused.model.containers import EngineContainer, EngineNetwork
from kubectl_refused.model.target import Target
from kubectl_refused.sources.compose import LARGEST, ComposeSource, is_compose
from kubectl_refused.sources.compose_services import container_of_service, filled
from kubectl_refused.trace.engine_objects import ports_of
from kubectl_refused.trace.start_order import conditions

NOBODY = Target("", "")
BROKEN = """\
name: shop
services:
  web:
    ports:
      - "8080:80"
      - "127.0.0.1:9000-9001:9000-9001/tcp"
    environment:
      DATABASE_URL: postgres://me:secret@localhost:5432/shop
      CART: http://cart:18081/
      QUEUE: queue:5672
  db:
    expose: ["5432"]
  cart:
    ports: ["18081:8080"]
  queue:
    ports: ["5672:5672"]
    networks: [back]
  admin:
    ports: ["8080:8080"]
  hosty:
    network_mode: host
    ports:
      - target: 90
        published: 91
networks:
  back: {internal: true}
"""
MENDED = """\
name: shop
services:
  web:
    ports: ["8080:80", "127.0.0.1:9000-9001:9000-9001/tcp"]
    environment: {DATABASE_URL: "postgres://me:x@db:5432/shop", CART: "http://cart:8080/", QUEUE: "queue:5672"}
    networks: [default, back]
  db:
    expose: ["5432"]
  cart:
    ports: ["18081:8080"]
  queue:
    networks: [back]
  admin:
    ports: ["8081:8080"]
  hosty:
    network_mode: host
networks:
  back: {internal: true}
"""
# Service to its root, with the line that is at fault.
ROOTS = {
    "web": ("host-port-taken", 5),
    "db": ("localhost-inside-container", 8),
    "cart": ("published-port-between-containers", 14),
    "queue": ("network-leads-nowhere", 17),
    "admin": ("host-port-taken", 19),
    "hosty": ("host-network-ignores-ports", 21),
}


def told(path: Path) -> tuple[dict[str, Any], int]:
    """The root and line of each service, and the exit code."""
    argv = [sys.executable, "-m", "kubectl_refused", "-f", str(path), "-o", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    items = json.loads(done.stdout)["items"]
    roots = {
        i["target"].rpartition("/")[2]: (i["root"]["name"], i["root"]["source"]["line"])
        for i in items
        if i["root"]
    }
    return roots, done.returncode


def test_mistakes_are_told_with_their_lines_and_the_mended_file_is_silent(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(BROKEN)
    assert told(file) == (ROOTS, 1)
    file.write_text(MENDED)
    assert told(file) == ({}, 0)


HASTY = """\
services:
  app:
    depends_on:
      cache: {condition: service_healthy}
      db: {condition: service_started}
    environment: {DATABASE_URL: "postgres://db:5432/x"}
  patient:
    depends_on: {db: {condition: service_healthy}}
    environment: {DATABASE_URL: "postgres://db:5432/x"}
  stubborn:
    restart: on-failure:3
    environment: {DATABASE_URL: "postgres://db:5432/x"}
  db:
    expose: ["5432"]
    healthcheck: {test: pg_isready, disable: true}
  cache:
    expose: ["6379"]
"""


def test_who_does_not_wait_is_a_note_with_its_reason_and_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(HASTY)
    argv = [sys.executable, "-m", "kubectl_refused", "-f", str(file), "-o", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    told = {item["target"]: item["notes"] for item in json.loads(done.stdout)["items"]}
    (note,) = (note for notes in told.values() for note in notes)
    assert (done.returncode, note["code"]) == (0, "KR628")
    assert note["says"] == (
        "app waits for service_started and db has no healthcheck: it may dial before db listens"
    )
    assert note["advice"].startswith("Give db a healthcheck, and let app depend on db with condition")


@pytest.mark.parametrize(
    ("service", "policy"),
    [
        ({"restart": "always"}, "always"),
        ({"restart": "on-failure:5"}, "on-failure"),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, "always"),
        ({"deploy": {"restart_policy": {}}}, "always"),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, "no"),
        ({}, "no"),
    ],
)
def test_who_is_started_again(service: dict[str, Any], policy: str) -> None:
    assert container_of_service("web", service, "shop", {}).host_config.restart_policy.name == policy


@pytest.mark.parametrize("odd", [5, "db", [1, None], {"db": 1}, {"db": {"condition": 7}}, {"a:b,c": None}])
def test_odd_dependencies_are_no_trouble(odd: object) -> None:
    made = container_of_service("web", {"depends_on": odd, "healthcheck": odd}, "shop", {})
    assert set(conditions(made).values()) <= {"service_started", "7", "b"}


def test_projects_of_two_files_share_external_networks_only(tmp_path: Path) -> None:
    for project, extra in (("one", ""), ("two", "networks: {common: {external: true}}")):
        (tmp_path / project).mkdir()
        networks = "networks: [common]" if extra else ""
        (tmp_path / project / "compose.yaml").write_text(
            f"services:\n  {project}:\n    {networks}\n    image: x\n{extra}\n"
        )
    source = ComposeSource([str(tmp_path / "one/compose.yaml"), str(tmp_path / "two/compose.yaml")])
    values = [change.value for change in source.read(NOBODY)]
    found = {v.called: list(v.network_settings.networks or {}) for v in values if isinstance(v, EngineContainer)}
    assert found == {"one": ["one_default"], "two": ["common"]}
    assert [v.name for v in values if isinstance(v, EngineNetwork)] == ["one_default", "two_default", "common"]
    assert source.services() == (Target("one", "one", None, "Compose"), Target("two", "two", None, "Compose"))


@pytest.mark.parametrize(
    ("port", "ports"),
    [
        ("80", {80: ()}),
        (80, {80: ()}),
        ("8080:80", {80: (("", 8080),)}),
        ("127.0.0.1:8080:80", {80: (("127.0.0.1", 8080),)}),
        ("[::1]:8080:80", {80: (("::1", 8080),)}),
        ("${PORT:-8080}:80", {80: (("", 8080),)}),
        ("3000-3001:3000-3001", {3000: (("", 3000),), 3001: (("", 3001),)}),
        ({"target": 80, "published": "8080", "host_ip": "127.0.0.1"}, {80: (("127.0.0.1", 8080),)}),
    ],
)
def test_forms_of_ports(port: object, ports: dict[int, Any]) -> None:
    made = container_of_service("web", {"ports": [port]}, "shop", {})
    assert {p.number: p.places for p in ports_of(made)} == ports


@pytest.mark.parametrize("port", ["x", "80:x", "1-2:3", "70000", {"published": 80}, "8080:80/sctp:1"])
def test_what_is_no_port_is_a_gap_at_its_service(port: object, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(json.dumps({"services": {"web": {"ports": [port]}}}))
    (gap,) = (change.gap for change in ComposeSource([str(file)]).read(NOBODY) if change.gap)
    assert f"{file}:1: web" in gap.what


@pytest.mark.parametrize("text", ["", "[]", "services: []", "a: b", "x: [", "services: {a: *b}"])
def test_what_is_no_compose_file_is_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    with pytest.raises(ManifestProblem) as caught:
        list(ComposeSource([str(file)]).read(NOBODY))
    assert str(file) in caught.value.message
    assert "\n" not in caught.value.message


def test_a_compose_file_on_stdin_is_known_by_how_it_starts() -> None:
    argv = [sys.executable, "-m", "kubectl_refused", "-f", "-", "-o", "json"]
    done = subprocess.run(argv, input="name: shop\n" + BROKEN, capture_output=True, text=True, timeout=60)
    lines = [i["root"]["source"]["line"] for i in json.loads(done.stdout)["items"] if i["root"]]
    assert (done.returncode, sorted(lines)) == (1, sorted(line + 1 for _, line in ROOTS.values()))
    assert is_compose("-", b"name: shop\nservices:\n")
    assert not is_compose("-", b"kind: List\nservices:\n")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"services: {}\n" + b"#" * LARGEST, "is larger than 4 MiB"),
        (b"services:\n" + b"".join(b"  a%d: {image: x}\n" % n for n in range(1001)), "more than 1000 services"),
        (b"\0" * 100, "is no text"),
        (b"services: {}\n---\nservices: {}\n", "2 documents in one file"),
    ],
)
def test_what_is_too_much_is_one_line(data: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_bytes(data)
    with pytest.raises(ManifestProblem, match=told):
        list(ComposeSource([str(file)]).read(NOBODY))


def test_a_pipe_that_nobody_writes_into_keeps_nobody_waiting(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    os.mkfifo(file)
    with pytest.raises(ManifestProblem, match="pipe"):
        list(ComposeSource([str(file)]).read(NOBODY))


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
KEYS = st.sampled_from(["ports", "networks", "environment", "command", "expose", "x"])


@given(st.recursive(LEAVES, lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part)))
def test_hostile_services_never_crash(service: object) -> None:
    try:
        made = container_of_service("web", service, "shop", {})
    except ValueError:
        return
    assert made.called


def test_names_and_variables() -> None:
    names = ("compose.yaml", "docker-compose.yml", "x/compose.prod.yaml", "docker-compose.override.yml")
    assert all(map(is_compose, names))
    assert not any(map(is_compose, ("deploy.yaml", "compose.json", "mycompose.yaml")))
    assert filled("${A:-1}:${B-2}/$C/${D}") == "1:2//"
