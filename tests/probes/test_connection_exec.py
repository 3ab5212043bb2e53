"""A client's connections: which program reads them, and what is understood of the tables."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.connection.exec import ExecResult
from kubectl_refused.model.facts import CONNECTIONS, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Connections, Peer
from kubectl_refused.probes.connection_exec import SCRIPT, WITH_SHELL, WITHOUT_SHELL, ConnectionExec
from kubectl_refused.probes.proc_net_connections import connections_of
from tests.fakes import FakeConnection, ask, forbidden, probe_context
from tests.probes.test_container_exec import pod

KEY = PodKey("shop", "web-1")
HEAD = "  sl  local_address rem_address   st\n"
ROWS = (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 77 1 0\n"
    "   1: 0D01CA0A:9C40 0700600A:0050 02 00000000:00000000 00:00000000 00000000  1000        0 78 1 0\n"
    "   2: 0D01CA0A:9C41 0700600A:0050 01 00000000:00000000 00:00000000 00000000  1000        0 79 1 0\n"
    "   3: 0D01CA0A:9C42 0800600A:0050 06 00000000:00000000 00:00000000 00000000  1000        0 80 1 0\n"
)
MISSING = ExecResult(126, b"", b"", None)


def test_the_tables_and_what_stands_beside_them() -> None:
    told = connections_of(
        HEAD + ROWS + "@count 3\n@range 32768\t60999\nWEB_SERVICE_HOST=10.96.0.7\nX_SERVICE_HOST=abc\nKEY=1\n",
        "exec",
    )
    assert told.peers == (Peer("10.96.0.7", 80, open=1, waiting=1),)
    assert (told.count, told.ports) == (3, (32768, 60999))
    assert told.linked == (("WEB", "10.96.0.7"),)


def test_the_tables_alone() -> None:
    told = connections_of(HEAD + ROWS + "32768\t60999\n", "exec")
    assert (told.count, told.ports, len(told.peers)) == (3, (32768, 60999), 1)


@given(st.text(alphabet="0123456789ABCDEF: \n@rangecount_SERVICE_HOST=.", max_size=400))
def test_hostile_text_never_raises(text: str) -> None:
    assert connections_of(text, "exec").witness == "exec"


def test_the_script_sees_a_real_connection() -> None:
    sh = shutil.which("sh")
    assert sh is not None
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        env = {"PATH": "/usr/bin:/bin", "WEB_SERVICE_HOST": "10.96.0.7", "PASSWORD": "s3cr3t"}
        done = subprocess.run([sh, "-c", SCRIPT], capture_output=True, text=True, check=True, env=env)
        port = server.getsockname()[1]
        told = connections_of(done.stdout, "exec")
        assert client.getpeername()[1] == port
    assert any((p.address, p.port) == ("127.0.0.1", port) and p.open for p in told.peers)
    assert told.ports is not None
    assert told.ports[0] < told.ports[1]
    assert told.linked == (("WEB", "10.96.0.7"),)
    assert "s3cr3t" not in done.stdout


def asked(answers: dict[tuple[str, ...], Any]) -> tuple[Any, list[tuple[str, ...]]]:
    seen: list[tuple[str, ...]] = []

    def run(
        connection: Any, namespace: str, name: str, container: str, argv: Sequence[str], seconds: float
    ) -> Any:
        seen.append(tuple(argv))
        answer = answers[tuple(argv)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    context = probe_context(FakeConnection({}), snapshot=pod("web"))
    (told,) = ask(ConnectionExec(run), context, CONNECTIONS, KEY)
    return told, seen


def test_cat_stands_in_for_a_shell() -> None:
    told, seen = asked({WITH_SHELL: MISSING, WITHOUT_SHELL: ExecResult(0, (HEAD + ROWS).encode(), b"", None)})
    assert isinstance(told, Connections)
    assert seen == [WITH_SHELL, WITHOUT_SHELL]


def test_without_programs_or_rights_it_is_a_gap() -> None:
    told, _ = asked({WITH_SHELL: MISSING, WITHOUT_SHELL: MISSING})
    assert isinstance(told, Gap)
    told, _ = asked({WITH_SHELL: forbidden("create", "pods/exec")})
    assert isinstance(told, Gap)
