"""What each path imports: deterministic, where milliseconds are not."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.connection.fake_api import CERTIFICATES, Answer, Seen, serving, status

from .tool import environment

HEAVY = {"kubernetes", "docker", "rich", "typer", "pydantic", "yaml", "msgspec", "urllib3", "asyncio"}
CLIENTS = {"kubernetes", "docker", "rich", "pydantic", "urllib3", "websocket", "requests"}

CODE = """
import json, sys
sys.argv = json.loads(sys.argv[1])
from kubectl_refused.cli import start
import os
os._exit = sys.exit
try:
    getattr(start, sys.argv.pop(0))()
finally:
    made = {one.__qualname__ for name, module in sys.modules.items() if name.startswith("kubectl_refused.")
            for one in vars(module).values() if hasattr(one, "__dataclass_fields__") and one.__module__ == name}
    sys.stderr.write(json.dumps([sorted(sys.modules), sorted(made)]))
"""


def _imported(entry: str, *arguments: str, home: Path) -> set[str]:
    """Packages and modules that are not in any."""
    return {name.partition(".")[0] for name in _loaded(entry, *arguments, home=home)[0]}


def _loaded(entry: str, *arguments: str, home: Path) -> tuple[set[str], set[str]]:
    """Every module, and the names of our dataclasses in them."""
    words = json.dumps([entry, "kubectl-refused", *arguments])
    done = subprocess.run(
        [sys.executable, "-c", CODE, words], capture_output=True, timeout=60, env=environment(home), text=True
    )
    modules, made = json.loads(done.stderr.splitlines()[-1])
    return set(modules), set(made)


@pytest.mark.parametrize(
    ("entry", "arguments"),
    [
        ("main", ["--version"]),
        ("complete", ["--pro"]),
        ("complete", ["--probe", ""]),
        ("complete", [""]),
        ("complete", ["-f", ""]),
    ],
)
def test_fast_paths(entry: str, arguments: list[str], tmp_path: Path) -> None:
    assert _imported(entry, *arguments, home=tmp_path) & (HEAVY | {"dataclasses", "threading"}) == set()


def test_contexts_are_completed_without_the_client(tmp_path: Path) -> None:
    assert (
        _imported("complete", "--context", "", home=tmp_path) & (CLIENTS | {"typer", "asyncio", "msgspec"})
        == set()
    )


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["svc/a/b"], ["--bogus"]])
def test_help_and_wrong_usage(arguments: list[str], tmp_path: Path) -> None:
    assert _imported("main", *arguments, home=tmp_path) & (CLIENTS | {"yaml"}) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["scan", "--help"], ["--bogus"], ["scan", "--bogus"], ["svc/web", "--prob=none"],
        ["scan", "-n"],
        ["svc/web", "--probe=bogus"], ["scan", "--fail-on=bogus"], ["svc/a/b"], ["svc/web:99999"], ["web:80/x:y"],
    ],
)  # fmt: skip
def test_help_and_wrong_usage_need_no_objects(arguments: list[str], tmp_path: Path) -> None:
    unneeded = CLIENTS | {"yaml", "msgspec", "asyncio", "psutil", "pygments"}
    assert _imported("main", *arguments, home=tmp_path) & unneeded == set()


@pytest.mark.parametrize("arguments", [["causes"], ["explain", "KR403"]])
def test_the_catalogue(arguments: list[str], tmp_path: Path) -> None:
    assert _imported("main", *arguments, home=tmp_path) & (CLIENTS | {"yaml"}) == set()


def test_containers_need_no_kubernetes_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = {"kubernetes", "websocket", "pydantic", "yaml"}
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert _imported("main", "docker/web", home=tmp_path) & (cluster | {"docker"}) == set()
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.getsockname()[1]}")
    for words in (
        ["docker/web"],
        ["compose/shop/web"],
        ["127.0.0.1:80", "--from", "docker/web"],
        ["scan", "docker"],
    ):
        loaded = _imported("main", *words, home=tmp_path)
        assert "docker" in loaded
        assert loaded & cluster <= ({"yaml"} if words[0] == "scan" else set())  # its rules to ignore


def test_compose_files_need_no_client(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {web: {ports: ['8080:80']}}\n")
    assert _imported("main", "-f", str(file), "-o", "name", home=tmp_path) & CLIENTS == set()


def test_files_need_no_client(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n")
    loaded = _imported("main", "-f", str(file), "-o", "name", home=tmp_path)
    assert loaded & CLIENTS == set()
    assert "yaml" in loaded


def test_metrics_load_their_library_only_when_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n")
    words = ["scan", "-f", str(file), "-o", "name"]
    assert "prometheus_client" not in _imported("main", *words, home=tmp_path)
    assert "prometheus_client" in _imported("main", *words, "--metrics-file", f"{file}.prom", home=tmp_path)


def _objects(seen: Seen) -> Answer:
    """A Service whose selector matches nothing, so that causes ask for more."""
    last = seen.path.rpartition("/")[2]
    if seen.path.endswith("/services/web"):
        spec = {"clusterIP": "10.96.0.80", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
        return Answer(body={"metadata": {"name": "web", "namespace": "shop"}, "spec": spec})
    if last in ("endpointslices", "pods", "services", "deployments", "statefulsets", "networkpolicies"):
        return Answer(body={"metadata": {}, "items": []})
    return status(404, "NotFound", "not found")


def test_a_diagnosis_of_the_objects_loads_one_client_and_no_stream(tmp_path: Path) -> None:
    with serving(_objects, tls=True) as fake:
        flags = ["-s", fake.address, "--certificate-authority", str(CERTIFICATES / "ca.crt"), "--token", "t"]
        words = ["svc/web", "-n", "shop", *flags, "--probe", "none", "-o", "json"]
        loaded = _imported("main", *words, home=tmp_path)
    assert "/api/v1/namespaces/shop/services/web" in {seen.path for seen in fake.seen}
    unneeded = {"asyncio", "dateutil", "multiprocessing", "oauthlib", "platformdirs", "typer"}
    assert loaded & (CLIENTS | unneeded) == {"urllib3"}


@pytest.mark.parametrize("words", [["127.0.0.1:{}"], [":{}", "-o", "json"], ["localhost:{}"], ["listen", "{}"]])
def test_hosts_need_no_cluster_and_no_engine(words: list[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        loaded = _imported("main", *(word.format(port) for word in words), home=tmp_path)
    assert loaded & (CLIENTS | {"yaml", "asyncio", "typer"}) <= {"rich"}  # its table of cell widths


# What is of clusters, of reports of another kind, and of files; what starts processes.
OF_OTHERS = """
causes.process cli.grounds connection.client connection.kubeconfig_files judge.doors judge.whole_way
probes.methods renderers.as_html renderers.terminal_explanation renderers.terminal_matrix renderers.terminal_scan
sources.reads trace.changes trace.entrances trace.gateways trace.nearest trace.rollouts
"""


def test_a_host_loads_nothing_of_other_targets(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        loaded, made = _loaded("main", f"127.0.0.1:{server.getsockname()[1]}", home=tmp_path)
    assert loaded & {f"kubectl_refused.{name}" for name in OF_OTHERS.split()} == set()
    assert loaded & {"difflib", "pathlib", "subprocess"} == set()
    hops = {name.split(".")[2] for name in loaded if name.startswith("kubectl_refused.causes.")}
    assert hops <= {"address", "firewall", "host", "names", "proofs"}
    # Each takes a millisecond to make, and Structs nothing: these are read where msgspec is not loaded.
    assert made == {"ConnectionOptions", "Target", "Vantage"}


def test_a_closed_port_needs_no_more(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    loaded = _imported("main", f"127.0.0.1:{port}", "-o", "name", home=tmp_path)
    assert loaded & (CLIENTS | {"yaml", "asyncio"}) == set()
    assert "psutil" in loaded
