"""Which engine is asked, and what is said where none answers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_refused.engine.connect import (
    DEFAULT,
    EngineConnection,
    EngineProblem,
    _settings,
    check_container,
    connect,
)
from kubectl_refused.errors import UsageProblem

NOBODY = 65534


class Listing:
    """The one call that a look for a client makes."""

    def containers(self, **_: bool) -> list[dict[str, object]]:
        return [{"Id": "0123456789ab", "Names": ["/cart"]}]


@pytest.mark.parametrize("host", ["tcp://10.0.0.1:2376", "ssh://me@server", "unix:///run/podman/podman.sock"])
def test_docker_host_comes_first(host: str) -> None:
    assert _settings({"DOCKER_HOST": host, "DOCKER_CONTEXT": "nobody"})["base_url"] == host


def test_a_context_leads_to_its_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docker.context import ContextAPI

    monkeypatch.setattr("docker.context.config.get_context_dir", lambda: str(tmp_path))
    monkeypatch.setattr(
        "docker.context.context.get_meta_dir", lambda name=None: str(tmp_path / "meta" / (name or ""))
    )
    monkeypatch.setattr("docker.context.context.get_tls_dir", lambda *_: str(tmp_path / "tls"))
    meta = tmp_path / "meta" / "away"
    meta.mkdir(parents=True)
    value = {
        "Name": "away",
        "Metadata": {},
        "Endpoints": {"docker": {"Host": "ssh://me@away", "SkipTLSVerify": False}},
    }
    monkeypatch.setattr("docker.context.context.get_meta_file", lambda name: str(meta / "meta.json"))
    (meta / "meta.json").write_text(json.dumps(value))
    assert ContextAPI.get_context("away") is not None
    assert _settings({"DOCKER_CONTEXT": "away"})["base_url"] == "ssh://me@away"


def test_where_nobody_named_one_podman_is_found(tmp_path: Path) -> None:
    assert _settings({})["base_url"].startswith("unix://")
    place = tmp_path / "podman" / "podman.sock"
    place.parent.mkdir()
    place.touch()
    expected = DEFAULT if Path(DEFAULT.removeprefix("unix://")).exists() else f"unix://{place}"
    assert _settings({"XDG_RUNTIME_DIR": str(tmp_path)})["base_url"] == expected


def test_no_engine_is_told_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineProblem, match=r"no container engine is at .*; start it") as missing:
        connect({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert missing.value.exit_code == 4
    with pytest.raises(EngineProblem, match="no container engine listens at"):
        connect({"DOCKER_HOST": f"tcp://127.0.0.1:{_closed_port()}"})
    with pytest.raises(EngineProblem, match="there is no context nobody"):
        connect({"DOCKER_CONTEXT": "nobody"})
    with pytest.raises(EngineProblem) as odd:
        connect({"DOCKER_HOST": "gopher://x\x1b[31m"})
    assert odd.value.message.isprintable()


def test_a_socket_that_may_not_be_opened_is_one_line() -> None:
    import docker.transport  # noqa: F401  (nobody may not read it)

    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder, "docker.sock")
        listening.bind(str(path))
        listening.listen()
        Path(folder).chmod(0o755)
        path.chmod(0)
        with as_nobody(), pytest.raises(EngineProblem) as caught:
            connect({"DOCKER_HOST": f"unix://{path}"})
    told = f"unix://{path} may not be opened by this user; try with sudo, or join the group docker"
    assert caught.value.message == told


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Root may open whatever there is; all others already are somebody without the right."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_remote_engine_publishes_on_its_own_host() -> None:
    hosts = {"tcp://10.0.0.1:2375": "10.0.0.1", "ssh://me@away": "away", "unix:///var/run/docker.sock": ""}
    assert {endpoint: EngineConnection(None, endpoint).remote for endpoint in hosts} == hosts


def test_a_client_that_is_not_there_is_told_with_the_nearest_name() -> None:
    connection = EngineConnection(Listing(), "")
    check_container(connection, "cart")
    check_container(connection, "0123")
    with pytest.raises(UsageProblem, match=r"docker/carl: there is no such container; did you mean docker/cart\?"):
        check_container(connection, "carl")


def _closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
