"""As a plugin of the real kubectl: found on the PATH, exit codes passed on, completion, whose rights it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster
from tests.cluster.gobuild import kubectl_in

from .people import Grant, grants_up_to, person, write_kubeconfig
from .tool import RUN_SECONDS

# kubectl-refused and kubectl_complete-refused stand beside the Python that runs the tests.
BIN = Path(sys.executable).parent


class Shell:
    """A PATH with kubectl and the plugin, a HOME of its own, and one KUBECONFIG."""

    def __init__(self, home: Path, *kubeconfigs: Path) -> None:
        kubectl_in(home)
        self.environment = {
            "PATH": f"{home}:{BIN}:{os.environ['PATH']}",
            "HOME": str(home),
            "KUBECONFIG": os.pathsep.join(map(str, kubeconfigs)),
            "NO_COLOR": "1",
            "LANG": "C.UTF-8",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What kubectl makes of `kubectl WORDS`; never a traceback."""
        done = subprocess.run(
            ["kubectl", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def complete(self, *words: str) -> list[str]:
        """The candidates that kubectl gives a shell, without cobra's directive."""
        *candidates, directive = self.run("__complete", *words).stdout.splitlines()
        assert directive.startswith(":")
        return candidates


@pytest.fixture
def shell(cluster: Cluster, tmp_path: Path) -> Shell:
    assert (BIN / "kubectl-refused").exists(), "the tests run in an environment where the plugin is installed"
    return Shell(tmp_path, cluster.kubeconfig)


def test_kubectl_finds_the_plugin(shell: Shell) -> None:
    listed = shell.run("plugin", "list")
    assert str(BIN / "kubectl-refused") in listed.stdout
    assert "warning" not in (listed.stdout + listed.stderr).lower()


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("svc/web", 0, "✓ svc/web:80 accepts: 1 of 1 endpoints accepted"),
        ("svc/typo", 1, "its selector matches no pod"),
        ("gizmo/web", 2, ""),
    ],
)
def test_kubectl_passes_the_answer_and_the_exit_code_on(
    shell: Shell, shop: str, target: str, code: int, says: str
) -> None:
    done = shell.run("refused", target, "-n", shop)
    assert done.returncode == code, done
    assert says in done.stdout


def test_no_cluster_is_exit_code_4(shell: Shell) -> None:
    assert shell.run("refused", "svc/web", "--context", "nowhere").returncode == 4


def test_help_says_what_was_typed(shell: Shell) -> None:
    done = shell.run("refused", "--help")
    assert done.returncode == 0
    assert "Usage: kubectl refused [OPTIONS]" in done.stdout
    explained = shell.run("refused", "explain", "--help")
    assert "Usage: kubectl refused explain" in explained.stdout


def test_a_printed_fix_runs_as_printed(cluster: Cluster, shell: Shell, shop: str) -> None:
    """It has the flags that were typed, to reach the same cluster. A dry run here, as all share the shop."""
    done = shell.run("refused", "svc/typo", "-n", shop, "--context", "kr", "-o", "json")
    command = json.loads(done.stdout)["root"]["fix"]["command"]
    assert command.startswith("kubectl --context kr patch svc/typo ")
    tried = subprocess.run(
        ["sh", "-c", f"{command} --dry-run=server"],
        env=shell.environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert (tried.returncode, "patched" in tried.stdout) == (0, True), tried


def test_flags_before_the_plugin_are_kubectls_error(shell: Shell) -> None:
    done = shell.run("-n", "default", "refused", "svc/web")
    assert done.returncode == 1
    assert "flags cannot be placed before plugin name" in done.stderr


def test_kubectl_completes_through_the_plugin(shell: Shell, shop: str) -> None:
    """Every kind of thing that is looked up; what needs no cluster is tested without kubectl."""
    assert {"svc/web", "svc/typo"} <= set(shell.complete("refused", "-n", shop, "svc/"))
    assert shell.complete("refused", "-n", shop, "svc/ty") == ["svc/typo"]
    assert shell.complete("refused", "svc", "-n", shop, "ty") == ["typo"]
    assert shell.complete("refused", f"-n={shop}", "svc/web:") == ["svc/web:80"]
    assert shop in shell.complete("refused", "-n", "")
    assert shop in shell.complete("refused", "scan", "-n", shop[:-2])
    assert "kr" in shell.complete("refused", "svc/web", "--context", "")
    assert shell.complete("refused", "svc/web", "-n", shop, "--from", "deploy/we") == ["deploy/web"]
    (pod,) = shell.complete("refused", "svc/web", "-n", shop, "--from", "pod/web-")
    assert pod.startswith("pod/web-")
    assert "node/node1" in shell.complete("refused", "svc/web", "--from", "node/")


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["svc/web", "--probe", "pa"], ["passive"]),
        (["scan", "--fail-on="], ["--fail-on=any", "--fail-on=likely", "--fail-on=proved"]),
        (["scan", "--ignore", "KR403,crash-l"], ["KR403,crash-loop"]),
        (["svc/web", "--report", "sa"], ["sarif="]),
        (["causes", "-o", "w"], ["wide"]),
        (["explain", "KR403"], ["KR403"]),
        (["cleanup", "--older"], ["--older-than"]),
        (["cl"], ["cleanup"]),
        (["sv"], ["svc/"]),
    ],
)
def test_kubectl_passes_what_needs_no_cluster_on(shell: Shell, words: list[str], candidates: list[str]) -> None:
    assert shell.complete("refused", *words) == candidates


def test_names_feed_other_commands(shell: Shell, shop: str) -> None:
    """A line is target, verdict and namespace: kubectl and we ourselves take the first word."""
    ours = 'kubectl refused "$0" -n "$2" --probe none -o name'
    script = (
        f"kubectl refused scan -n {shop} --probe none -o name --exit-zero | grep ' KR201/' |"
        f' xargs -n3 sh -c \'kubectl get "$0" -n "$2" -o name && {ours}\''
    )
    done = subprocess.run(
        ["sh", "-c", script], env=shell.environment, capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert done.stdout.split() == ["service/typo", "svc/typo", "KR201/selector-matches-nothing"], done


def test_completion_offers_no_errors_without_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    nowhere = write_kubeconfig(tmp_path / "config", cluster, {}, server="https://127.0.0.1:1")
    done = Shell(tmp_path, nowhere).run("__complete", "refused", "svc/")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if not line.startswith(":")] == []
    assert "refuses the connection" not in done.stderr


def test_impersonation_works_and_restricts(cluster: Cluster, shell: Shell, shop: str, tmp_path: Path) -> None:
    person(cluster, shop, [Grant("get", "services")], tmp_path)
    (account,) = [path.stem for path in tmp_path.glob("person-*.yaml")]
    user = f"system:serviceaccount:{shop}:{account}"
    done = shell.run("refused", "svc/web", "-n", shop, "--as", user, "-o", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 3, done
    assert any("list endpointslices" in gap["because"] for gap in report["gaps"]), report["gaps"]
    assert report["touched"] == []


def test_impersonation_restricts_streams_too(cluster: Cluster, shell: Shell, shop: str, tmp_path: Path) -> None:
    """Exec and port-forward are websockets, where a client easily forgets the headers and uses its own rights."""
    kept = [grant for grant in grants_up_to("pods") if grant.resource not in ("pods/exec", "pods/portforward")]
    person(cluster, shop, kept, tmp_path)
    (account,) = [path.stem for path in tmp_path.glob("person-*.yaml")]
    user = f"system:serviceaccount:{shop}:{account}"
    done = shell.run(
        "refused", "svc/loop", "-n", shop, "--as", user, "--image", "localhost/busybox:1", "-o", "json"
    )
    report = json.loads(done.stdout)
    told = " ".join(gap["because"] for gap in report["gaps"])
    assert (done.returncode, "get pods/exec" in told) == (3, True), done
    assert {thing["what"].split("/")[0] for thing in report["touched"]} == {"job"}


def test_several_kubeconfigs_mean_kubectls_cluster(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    """The first file names the context, the second one defines another with a cluster of the same name."""
    first = _kubeconfig(tmp_path / "a", "here", server=None, document=cluster.kubeconfig)
    second = _kubeconfig(tmp_path / "b", "elsewhere", server="https://127.0.0.1:1", document=cluster.kubeconfig)
    for files, code in (((first, second), 0), ((second, first), 4)):
        shell = Shell(tmp_path, *files)
        services = shell.run("get", "svc", "-n", shop)
        done = shell.run("refused", "svc/web", "-n", shop, "--probe", "none")
        assert (services.returncode == 0, done.returncode) == (code == 0, code), (services, done)


def _kubeconfig(path: Path, context: str, *, server: str | None, document: Path) -> Path:
    """The administrator's kubeconfig with another context name, and maybe another server."""
    config: dict[str, Any] = json.loads(document.read_text())
    config["current-context"] = config["contexts"][0]["name"] = context
    if server:
        config["clusters"][0]["cluster"]["server"] = server
    path.write_text(json.dumps(config))
    return path
