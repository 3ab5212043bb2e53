"""What completion answers, in kubectl's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from kubectl_refused.cli.command import load, names
from kubectl_refused.cli.completion import CLIENTS, FILES, NO_FILES, NO_SPACE, candidates_for
from kubectl_refused.cli.options import OUTPUTS
from tests.connection.fake_api import Answer, Seen, serving

from .tool import environment

KUBECONFIG = {
    "clusters": [{"name": "kind-dev", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "jane", "user": {}}],
    "contexts": [{"name": name, "context": {}} for name in ("dev", "prod\x1b[31m", "prod")],
}


@pytest.mark.parametrize(
    ("typed", "candidates", "directive"),
    [
        (["--prob"], ["--probe"], NO_FILES),
        (["svc/web", "--kube"], ["--kubeconfig"], NO_FILES),
        (["svc/web", "--probe", "pa"], ["passive"], NO_FILES),
        (["svc/web", "--probe=p"], ["--probe=passive", "--probe=pods"], NO_FILES),
        (["svc/web", "-o", ""], sorted(OUTPUTS), NO_FILES),
        (["-f", "man"], [], FILES),
        (["--kubeconfig", ""], [], FILES),
        (["svc/web", "--token", ""], [], NO_FILES),
        (["ex"], ["explain"], NO_FILES),
        (["cleanup", "--all"], ["--all", "--all-namespaces"], NO_FILES),
        (["causes", ""], [], NO_FILES),
        (["explain", "listens-on-l"], ["listens-on-loopback"], NO_FILES),
        (["web"], [], NO_FILES),
        (
            [],
            [
                "causes",
                "cleanup",
                "deploy/",
                "ds/",
                "explain",
                "listen",
                "pod/",
                "record",
                "run",
                "scan",
                "sts/",
                "svc/",
            ],
            NO_FILES,
        ),
        (["run", "--al"], ["--all-namespaces"], NO_FILES),
        (["run", "--out"], [], NO_FILES),
        (["run", "-n", "shop", "--", "--al"], [], FILES),
        (["run", "--", ""], [], FILES),
        (["-", "--al"], ["--all-namespaces"], NO_FILES),
        (["-", "-o", "m"], ["markdown"], NO_FILES),
        (["scan", "--al"], ["--all-namespaces"], NO_FILES),
        (["scan", "--fail-on", ""], ["any", "likely", "proved"], NO_FILES),
        (["scan", "--ignore", "KR201,listens-on-l"], ["KR201,listens-on-loopback"], NO_FILES),
        (["scan", "--ignore=listens-on-l"], ["--ignore=listens-on-loopback"], NO_FILES),
        (["scan", "--config", ""], [], FILES),
        (["record", "svc/web", "-o", ""], [], FILES),
        (["record", "web", "--over"], ["--overwrite"], NO_FILES),
        (["web", "--recordin"], ["--recording"], NO_FILES),
        (["--recording", ""], [], FILES),
        (["scan", ""], [], NO_FILES),
        (["svc/web", "--wat"], ["--watch"], NO_FILES),
        (["web", "--report", "j"], ["json=", "junit="], NO_SPACE),
        (["web", "--report=ht"], ["--report=html="], NO_SPACE),
        (["web", "--report", "html=re"], [], FILES),
        (["sv"], ["svc/"], NO_SPACE),
        (["-n", "shop", "sv"], ["svc/"], NO_SPACE),
        (["-n", "shop", "s"], ["scan", "sts/", "svc/"], NO_FILES),
        (["--", "s"], ["sts/", "svc/"], NO_FILES),
        (["scan", "svc/"], [], NO_FILES),
        (["scan", "-o", "ju"], ["junit"], NO_FILES),
        (["causes", "-o", ""], ["json", "name", "wide"], NO_FILES),
        (["web", "--from", ""], sorted(CLIENTS), NO_FILES),
        (["web", "--from", "po"], ["pod/"], NO_SPACE),
        (["web", "--from", "here,every"], ["here,every-node"], NO_FILES),
        (["web", "--from=svc/x"], [], NO_FILES),
        (["web", "--bogus", "--prob"], ["--probe"], NO_FILES),
        (["explain", "KR403", "listens-on-l"], ["listens-on-loopback"], NO_FILES),
    ],
)
def test_without_a_cluster(typed: list[str], candidates: list[str], directive: int) -> None:
    assert candidates_for(typed) == (candidates, directive)


def _complete(home: Path, *typed: str) -> list[str]:
    program = Path(sys.executable).parent / "kubectl_complete-refused"
    done = subprocess.run(
        [str(program), *typed], capture_output=True, text=True, timeout=30, env=environment(home)
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_names_of_the_kubeconfig(tmp_path: Path) -> None:
    file = tmp_path / ".kube" / "config"
    file.parent.mkdir()
    file.write_text(json.dumps(KUBECONFIG))
    assert _complete(tmp_path, "svc/web", "--context", "pro") == ["prod", ":4"]
    assert _complete(tmp_path, "--cluster=") == ["--cluster=kind-dev", ":4"]
    other = tmp_path / "other"
    os.rename(file, other)
    assert _complete(tmp_path, "--kubeconfig", str(other), "--user", "") == ["jane", ":4"]


def _names(seen: Seen) -> Answer:
    if seen.path.endswith("/services/web"):
        ports = [{"name": "http", "port": 80}, {"port": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}]
        return Answer(body={"metadata": {"name": "web"}, "spec": {"ports": ports}})
    found = {
        "/api/v1/namespaces/shop/services": ["web", "web-admin", "cart"],
        "/api/v1/namespaces": ["shop", "default"],
        "/api/v1/nodes": ["node1", "node2"],
        "/api/v1/namespaces/shop/pods": ["web-1"],
        "/api/v1/namespaces/other/pods": ["client-1"],
        "/apis/apps/v1/namespaces/shop/deployments": ["web"],
        "/apis/apps/v1/namespaces/shop/statefulsets": ["db"],
        "/apis/apps/v1/namespaces/shop/daemonsets": ["agent"],
        "/apis/apps/v1/namespaces/shop/replicasets": ["web-1"],
        "/apis/batch/v1/namespaces/shop/jobs": ["once"],
    }[seen.path]
    return Answer(body={"items": [{"metadata": {"name": name}} for name in found]})


def test_names_in_the_cluster(tmp_path: Path) -> None:
    with serving(_names) as fake:
        where = ["-s", fake.address, "--token=x", "-n=shop"]
        assert _complete(tmp_path, *where, "svc/we") == ["svc/web", "svc/web-admin", ":4"]
        assert _complete(tmp_path, *where, "-n", "") == ["default", "shop", ":4"]
        assert _complete(tmp_path, "svc", *where, "ca") == ["cart", ":4"]


def test_ports_of_a_service(tmp_path: Path) -> None:
    with serving(_names) as fake:
        where = ["-s", fake.address, "--token=x", "-n=shop"]
        assert _complete(tmp_path, *where, "svc/web:") == ["svc/web:80", "svc/web:8080", "svc/web:http", ":4"]
        assert _complete(tmp_path, "svc", *where, "web:h") == ["web:http", ":4"]
        assert _complete(tmp_path, *where, "svc/..:") == [":4"]


@pytest.mark.parametrize(
    ("begun", "names"),
    [
        ("pod/", ["pod/web-1"]),
        ("deploy/w", ["deploy/web"]),
        ("sts/", ["sts/db"]),
        ("ds/", ["ds/agent"]),
        ("rs/", ["rs/web-1"]),
        ("job/", ["job/once"]),
        ("node/", ["node/node1", "node/node2"]),
        ("here,node/node2", ["here,node/node2"]),
    ],
)
def test_clients_by_kind(begun: str, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", os.devnull)
    with serving(_names) as fake:
        where = ["svc/web", "-s", fake.address, "--token=x", "-nshop"]
        assert candidates_for([*where, "--from", begun]) == (names, NO_FILES)
        there = [*where, "--from-namespace", "other", "--from=pod/"]
        assert candidates_for(there) == (["--from=pod/client-1"], NO_FILES)


@pytest.mark.parametrize("name", ["diagnose", *names()])
def test_every_option_and_each_of_its_choices(name: str) -> None:
    """Of every command, as they stand in its help."""
    words = [] if name == "diagnose" else [name]
    flags, directive = candidates_for([*words, "--"])
    assert (set(flags), directive) == ({o.name for o in load(name).options} | {"--help"}, NO_FILES)
    for option in load(name).options:
        if option.completes == "choices":
            assert candidates_for([*words, option.name, ""]) == (sorted(option.choices), NO_FILES)
            assert candidates_for([*words, f"{option.name}="])[0] == [
                f"{option.name}={c}" for c in sorted(option.choices)
            ]


def _silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(5)


def test_a_silent_cluster_costs_two_seconds(tmp_path: Path) -> None:
    with serving(lambda seen: Answer(act=_silent)) as fake:
        begin = time.monotonic()
        assert _complete(tmp_path, "-s", fake.address, "svc/") == [":4"]
        assert time.monotonic() - begin < 4.5


def test_a_broken_kubeconfig_is_no_candidate(tmp_path: Path) -> None:
    file = tmp_path / "broken"
    file.write_text("a: [")
    assert _complete(tmp_path, "--kubeconfig", str(file), "--context", "") == [":4"]
