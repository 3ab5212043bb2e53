"""The JSON Schema of `refused listen -o json`: what it writes obeys it, and within v1 it only grows."""

from __future__ import annotations

import importlib.resources
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.host import HostSocket, HostSockets
from kubectl_refused.renderers.terminal_listen import as_json

RELEASED = json.loads((Path(__file__).parent / "schemas/v1/listen.schema.json").read_text(encoding="utf-8"))
CURRENT = json.loads(
    importlib.resources.files("kubectl_refused").joinpath("listen.schema.json").read_text(encoding="utf-8")
)
SCHEMAS = pytest.mark.parametrize("schema", [CURRENT, RELEASED], ids=["current", "released"])
SOCKET = HostSocket(address="127.0.0.1", port=8080)
TEXT = st.text(max_size=20)
HOSTILE = st.builds(
    HostSocket,
    address=st.ip_addresses().map(str),
    port=st.integers(0, 65535),
    protocol=st.sampled_from(["tcp", "udp"]),
    pid=st.none() | st.integers(0),
    process=TEXT,
    user=TEXT,
    command=TEXT,
    unit=TEXT,
    container=TEXT,
    forwards=TEXT,
    v6only=st.none() | st.booleans(),
)


def mistakes(schema: dict[str, Any], data: object) -> list[Any]:
    return list(jsonschema.Draft202012Validator(schema).iter_errors(data))


def test_what_the_command_writes_obeys_it() -> None:
    jsonschema.Draft202012Validator.check_schema(CURRENT)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        argv = [sys.executable, "-m", "kubectl_refused", "listen", str(port), "-o", "json"]
        told = json.loads(subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout)
    assert [one["port"] for one in told["sockets"]] == [port]
    assert mistakes(CURRENT, told) == mistakes(RELEASED, told) == []


@SCHEMAS
@settings(deadline=None)
@given(sockets=st.lists(HOSTILE, max_size=3), told=TEXT)
def test_hostile_sockets_obey_it(schema: dict[str, Any], sockets: list[HostSocket], told: str) -> None:
    seen = HostSockets(tuple(sockets), gaps=(Gap(told, told, told),))
    assert mistakes(schema, json.loads(as_json(seen))) == []


def test_it_tells_every_field_that_is_written() -> None:
    (one,) = json.loads(as_json(HostSockets((SOCKET,))))["sockets"]
    places = CURRENT["$defs"]["socket"]
    assert set(one) == set(places["properties"]) == set(places["required"])
    assert set(msgspec.structs.asdict(SOCKET)) - set(one) == {"waiting", "backlog", "uid", "inode"}


@pytest.mark.parametrize("value", [{"port": 70000}, {"protocol": "tcp6"}, {"pid": "7"}])
def test_wrong_values_are_told(value: dict[str, Any]) -> None:
    data = json.loads(as_json(HostSockets((SOCKET,))))
    data["sockets"][0] |= value
    assert mistakes(CURRENT, data)


def test_within_v1_it_only_grows() -> None:
    for place in ("socket", "gap"):
        old, new = RELEASED["$defs"][place], CURRENT["$defs"][place]
        assert set(old["required"]) <= set(new["required"])
        assert {name: new["properties"].get(name) for name in old["properties"]} == old["properties"]
