"""Sockets out of a /proc of the test's own: whose process it is, and what is told where it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kubectl_refused.engine.proc_listeners import ProcListeners
from kubectl_refused.engine.source import from_list
from kubectl_refused.model.containers import Engine, EngineContainer, State
from kubectl_refused.model.facts import CONTAINER_LISTENERS, EngineKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.snapshot import Change, Snapshot, fold
from tests.fakes import probe_context

ID = "e96eb075b0be1f5bf4fac6359be546a85f77b7a4023727743635197de8c83560"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n"


def snapshot(*, local: bool = True, pid: int = 42) -> Snapshot:
    container = EngineContainer(id=ID, name="/web", state=State(status="running", pid=pid))
    return fold([Change(0.0, value=container), Change(0.0, value=Engine(local=local))], origin="engine")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Process 42 of the container, which is 1 inside and listens on 127.0.0.1:8080."""
    place = tmp_path / "42"
    for folder in ("net", "fd", "ns"):
        (place / folder).mkdir(parents=True)
    (place / "net" / "tcp").write_text(HEAD + ROW)
    (place / "cgroup").write_text(f"1:name=systemd:/docker/{ID}\n")
    (place / "comm").write_text("httpd\n")
    (place / "status").write_text("Name:\thttpd\nNSpid:\t42\t1\n")
    (place / "ns" / "net").symlink_to("net:[4026531992]")
    (place / "fd" / "3").symlink_to("socket:[4711]")
    return tmp_path


def read(proc: Path, seen: Snapshot) -> object:
    context = probe_context()
    need = Need(CONTAINER_LISTENERS, EngineKey(ID))
    ((_, value),) = ProcListeners(proc).learn([need], replace(context, snapshot=seen))
    return value


def test_listeners_and_their_owners_by_the_numbers_inside(proc: Path) -> None:
    found = read(proc, snapshot())
    assert isinstance(found, Listeners)
    assert [(s.shown, s.owner) for s in found.sockets] == [("127.0.0.1:8080", "httpd (pid 1)")]


def test_a_process_of_somebody_else_is_not_believed(proc: Path) -> None:
    (proc / "42" / "cgroup").write_text("1:name=systemd:/user.slice\n")
    found = read(proc, snapshot())
    assert isinstance(found, Gap)
    assert "another PID namespace" in found.because


@pytest.mark.parametrize(
    ("seen", "because"),
    [
        (snapshot(local=False), "on another machine"),
        (snapshot(pid=0), "does not run"),
        (snapshot(pid=43), "cannot be read"),
        (Snapshot(), "does not run"),
    ],
)
def test_what_cannot_be_read_is_a_gap(proc: Path, seen: Snapshot, because: str) -> None:
    found = read(proc, seen)
    assert isinstance(found, Gap)
    assert because in found.because


def test_a_list_tells_names_states_and_ports_cleaned() -> None:
    entry = {
        "Id": ID,
        "Names": ["/we\x1b[31mb"],
        "State": "running",
        "Ports": [
            {"PrivatePort": 80, "Type": "tcp", "IP": "0.0.0.0", "PublicPort": 8080},
            {"PrivatePort": 53, "Type": "udp"},
        ],
    }
    found = from_list(entry)
    assert (found.called, found.state.status) == ("web", "running")
    ports = {
        key: [p.host_port for p in places or ()] for key, places in (found.network_settings.ports or {}).items()
    }
    assert ports == {"80/tcp": ["8080"], "53/udp": []}
    assert from_list({}).called == ""
