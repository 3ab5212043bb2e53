"""Which engine is asked, and what is said where none answers."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_refused.engine.connect import EngineConnection, EngineProblem, check_container, connect
from kubectl_refused.errors import UsageProblem

NOBODY = 65534


class Listing:
    """The one call that a look for a client makes."""

    def containers(self, **_: bool) -> list[dict[str, object]]:
        return [{"Id": "0123456789ab", "Names": ["/cart"]}]


def test_no_engine_is_told_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineProblem, match=r"no container engine is at .*; start it") as missing:
        connect({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert missing.value.exit_code == 4
    with pytest.raises(EngineProblem, match="no container engine listens at"):
        connect({"DOCKER_HOST": f"tcp://127.0.0.1:{_closed_port()}"})


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
    told = f"unix://{path} (DOCKER_HOST) may not be opened by this user; try with sudo, or join the group docker"
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
