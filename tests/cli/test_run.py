"""A diagnosis from the command line: files, clusters that cannot be reached, pipes, and what is cleaned up."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli.grounds import FilesGround
from kubectl_refused.cli.request import Request
from kubectl_refused.cli.run import DiagnosisJob
from kubectl_refused.connection.errors import NotFound, Unreachable
from kubectl_refused.connection.options import ConnectionOptions
from tests.connection.fake_api import Answer, serving, status

from .tool import environment, run

SHOP = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: kart}, ports: [{port: 80}]}
"""


@pytest.fixture
def shop(tmp_path: Path) -> str:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return str(file)


def test_every_service_in_the_files(shop: str, tmp_path: Path) -> None:
    done = run(tmp_path, "-f", shop, "-o", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert report["kind"] == "DiagnosisList"
    assert [item["target"] for item in report["items"]] == ["svc/web", "svc/cart"]
    assert report["items"][1]["root"]["name"] == "selector-matches-nothing"


def test_one_target_finds_its_namespace(shop: str, tmp_path: Path) -> None:
    done = run(tmp_path, "-f", shop, "svc/cart", "-o", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["kind"], report["namespace"]) == (1, "Diagnosis", "shop")
    assert run(tmp_path, "-f", shop, "svc/web").returncode == 0


def test_the_namespace_typed_is_kept(shop: str, tmp_path: Path) -> None:
    done = run(tmp_path, "-f", shop, "svc/web", "-n", "other", "-o", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["root"]["name"]) == (1, "no-such-service")


def test_exit_zero(shop: str, tmp_path: Path) -> None:
    assert run(tmp_path, "-f", shop, "--exit-zero").returncode == 0


def test_stdin(tmp_path: Path) -> None:
    done = run(tmp_path, "-f", "-", "svc/cart", "-o", "name", stdin=SHOP)
    assert (done.returncode, done.stdout) == (1, "svc/cart KR201/selector-matches-nothing\n")


def test_no_colour_and_no_spinner_in_a_pipe(shop: str, tmp_path: Path) -> None:
    done = run(tmp_path, "-f", shop)
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "web.yaml:2: not valid YAML"),
        ("kind: Service\nmetadata:\n  name: {{ .Values.name }}\n", "web.yaml:3: this is a template"),
        ("kind: ConfigMap\n", "there is no Service in"),
    ],
)
def test_files_that_are_no_manifests(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(text)
    done = run(tmp_path, "-f", str(tmp_path / "web.yaml"))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_file(tmp_path: Path) -> None:
    done = run(tmp_path, "-f", str(tmp_path / "no\x1b.yaml"))
    assert done.returncode == 2
    assert r"no\x1b.yaml cannot be read: No such file or directory" in done.stderr


def _one_line(done: subprocess.CompletedProcess[str], says: str) -> None:
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert says in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_no_kubeconfig(tmp_path: Path) -> None:
    _one_line(run(tmp_path, "svc/web"), "no kubeconfig: ")
    _one_line(run(tmp_path, "svc/web", "--kubeconfig", "none.yaml"), "--kubeconfig none.yaml does not exist")


def test_an_api_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{free.getsockname()[1]}"
        _one_line(run(tmp_path, "svc/web", "-s", server), server)


def test_expired_credentials(tmp_path: Path) -> None:
    with serving(lambda seen: status(401, "Unauthorized", "Unauthorized")) as fake:
        done = run(tmp_path, "svc/web", "-s", fake.address, "--token=sesame")
    _one_line(done, "")
    assert "sesame" not in done.stderr


def _hanging(request: BaseHTTPRequestHandler) -> None:
    """Never answer, until the client goes away."""
    request.connection.settimeout(20)
    with contextlib.suppress(OSError):
        request.connection.recv(1)


@pytest.mark.parametrize(
    ("number", "code", "how"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")]
)
def test_a_signal_while_the_api_server_is_silent(number: int, code: int, how: str, tmp_path: Path) -> None:
    with serving(lambda seen: Answer(act=_hanging)) as fake:
        command = [sys.executable, "-m", "kubectl_refused", "svc/web", "-s", fake.address, "--token=x"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path)
        ) as process:
            end = time.monotonic() + 30
            while not fake.seen and time.monotonic() < end:
                time.sleep(0.02)
            process.send_signal(number)
            begin = time.monotonic()
            out, errors = process.communicate(timeout=20)
    assert (process.returncode, out, errors) == (code, "", f"{how}; nothing is left behind\n")
    assert time.monotonic() - begin < 5


def test_cleanup_without_a_cluster(tmp_path: Path) -> None:
    _one_line(run(tmp_path, "cleanup"), "no kubeconfig: ")


def test_a_closed_pipe_is_no_error(shop: str, tmp_path: Path) -> None:
    code = f"{sys.executable} -m kubectl_refused -f {shop} -o json; echo $? >&2"
    command = ["sh", "-c", f"( {code} ) | true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(tmp_path))
    assert done.stderr == "1\n"


class _Ground(FilesGround):
    """Manifests, with a connection that records what is undone through it."""

    def spare_connection(self) -> Any:
        return "clone"


def _job(
    shop: str, out: io.StringIO | None = None, output: str = "", **options: Any
) -> tuple[DiagnosisJob, _Ground]:
    connection = ConnectionOptions(namespace="shop", **options)
    request = Request(targets=(), files=(shop,), connection=connection, output=output)
    ground = _Ground(request)
    return DiagnosisJob(request, out or io.StringIO(), lambda request: ground), ground


def test_what_the_ledger_holds_is_undone_before_the_report(shop: str) -> None:
    out = io.StringIO()
    undone: list[tuple[Any, str]] = []
    job, ground = _job(shop, out)
    ground.ledger.record(
        "job/refused-1", "deleted", lambda connection: undone.append((connection, out.getvalue()))
    )
    assert job.work() == 1
    assert undone == [("clone", "")]
    assert "job/refused-1" in out.getvalue()
    assert job.left() == []


def test_what_was_touched_for_one_target_is_not_told_with_another(shop: str) -> None:
    out = io.StringIO()
    job, ground = _job(shop, out, output="json")
    prober_of = ground.prober

    def prober(target: Any, say: Any) -> Any:
        ground.ledger.record("job/refused-1", "deleted")  # serves both, and is there once
        ground.ledger.record(f"exec in pod/{target.name}", "read only")
        return prober_of(target, say)

    ground.prober = prober  # type: ignore[method-assign]
    job.work()
    told = {item["target"]: [t["what"] for t in item["touched"]] for item in json.loads(out.getvalue())["items"]}
    assert sorted(map(len, told.values())) == [1, 2]
    assert all(f"exec in pod/{name.removeprefix('svc/')}" in whats for name, whats in told.items())


def test_what_cannot_be_undone_is_left_as_a_command(shop: str) -> None:
    def fail(connection: Any) -> None:
        raise Unreachable("no answer")

    def gone(connection: Any) -> None:
        raise NotFound("jobs", "refused-2", "")

    job, ground = _job(shop, context="kind dev")
    ground.ledger.record("job/refused-1", "deleted", fail)
    ground.ledger.record("job/refused-2", "deleted", gone)
    job.work()
    job.clean_up(time.monotonic() + 1)
    assert job.left() == ["kubectl --context 'kind dev' delete -n shop job/refused-1"]


def test_nothing_is_undone_after_the_deadline(shop: str) -> None:
    undone: list[Any] = []
    job, ground = _job(shop)
    job.work()
    ground.ledger.record("pod/refused-3", "deleted", undone.append)
    job.clean_up(time.monotonic() - 1)
    assert undone == []
    assert job.left() == ["kubectl delete -n shop pod/refused-3"]


def test_a_job_that_never_began_has_nothing_to_clean(shop: str) -> None:
    job = DiagnosisJob(Request(targets=(), files=(shop,)), io.StringIO())
    job.cancel()
    job.clean_up(time.monotonic() + 1)
    assert job.left() == ()


def test_kubectl_starts_the_program_under_its_own_name(tmp_path: Path) -> None:
    plugin = tmp_path / "kubectl-refused"
    plugin.symlink_to(Path(sys.executable).parent / "kubectl-refused")
    done = subprocess.run(
        [str(plugin), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout.startswith("Usage: kubectl refused [OPTIONS]")
    assert run(tmp_path, "-h").stdout.startswith("Usage: python -m kubectl_refused [OPTIONS]")
