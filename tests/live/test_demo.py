"""The demo on the real cluster: each Service's root is the expected one, and its fix mends it.

Each Service of manifests/demo runs in namespaces of its own, so that the cases run side by side.
Where the report prints the fix as a command, that command runs as printed; where the fix is a line
of the app's configuration, LINES changes that line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster
from tests.cluster.gobuild import kubernetes
from tests.live.conftest import fresh_namespace
from tools import shop

RUN_SECONDS = 120.0
MENDED_SECONDS = 60.0
# A mended fault may uncover the next one of its chain; the demo has no path with more.
FIXES_AT_MOST = 3
BIN = str(Path(sys.executable).parent)
SERVICES = [pytest.param(row, id=row.service) for row in shop.expected()]


@dataclass(frozen=True)
class Shop:
    """One Service of the demo on the cluster: its namespace, that of the warehouse, and the environment in
    which `kubectl` and `kubectl refused` mean the test's cluster."""

    cluster: Cluster
    namespace: str
    warehouse: str
    environment: dict[str, str]

    def kubectl(self, *words: str, given: str | None = None) -> str:
        """What kubectl prints; fails the test where kubectl fails."""
        return self.cluster.kubectl(*words, input=given).stdout

    def apply(self, documents: Sequence[dict[str, Any]]) -> None:
        """Apply the manifests, in this shop's namespaces instead of the demo's."""
        moved = {"shop": self.namespace, "warehouse": self.warehouse}
        items = [
            {**d, "metadata": {**d["metadata"], "namespace": moved[d["metadata"]["namespace"]]}} for d in documents
        ]
        listing = {"apiVersion": "v1", "kind": "List", "items": items}
        self.kubectl("apply", "-f", "-", given=json.dumps(listing))

    def diagnose(self, service: str) -> tuple[int, dict[str, Any]]:
        """Exit code and report of `kubectl refused svc/NAME -o json`."""
        done = self.run("kubectl", "refused", f"svc/{service}", "-n", self.namespace, "-o", "json")
        assert done.returncode in (0, 1, 3), done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, report

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program where kubectl means this cluster."""
        return subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )


@pytest.fixture
def here(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Shop]:
    """An empty shop and an empty warehouse, and a kubectl of their own."""
    warehouse = fresh_namespace(cluster)
    wrapper = tmp_path / "kubectl"
    wrapper.write_text(f'#!/bin/sh\nexec {kubernetes()} kubectl "$@"\n')
    wrapper.chmod(0o755)
    path = f"{tmp_path}:{BIN}:{os.environ['PATH']}"
    kubeconfig = str(cluster.kubeconfig)
    environment = {**os.environ, "PATH": path, "KUBECONFIG": kubeconfig, "HOME": str(tmp_path)}
    yield Shop(cluster, namespace, warehouse, environment)
    cluster.client().call("DELETE", f"/api/v1/namespaces/{warehouse}")


@pytest.mark.parametrize("row", SERVICES)
def test_the_root_is_the_expected_one_and_its_fix_mends_it(here: Shop, row: shop.Expected) -> None:
    here.apply(shop.documents(row.service))
    spaces = (here.namespace, here.warehouse)
    assert shop.await_states(here.kubectl, [row], namespaces=spaces) == [], "the demo did not break as it should"
    code, report = here.diagnose(row.service)
    assert (report["root"] or {}).get("name") == row.packets
    assert code == (0 if row.packets is None else 1)
    # Where the objects prove it nobody dials; that nothing is wrong takes a handshake.
    assert row.packets or report["depth"] == "packets"
    if report["root"]:
        mend_until_it_works(here, row.service, report["root"])


def mend_until_it_works(here: Shop, service: str, root: dict[str, Any]) -> None:
    """Apply the fix of this root, and of the next one where the chain goes on, until the exit code is 0."""
    mended: list[str] = []
    while len(mended) < FIXES_AT_MOST:
        mend(here, service, root)
        mended.append(root["name"])
        code, report = settled(here, service)
        if code == 0:
            return
        root = report["root"]
        assert root, f"after mending {mended}: exit code {code} without a root, gaps {report['gaps']}"
        assert root["name"] not in mended, f"{root['name']} is still there after its fix: {root['says']}"
    pytest.fail(f"still broken after mending {mended}: {root['name']}")


def mend(here: Shop, service: str, root: dict[str, Any]) -> None:
    """Do what the fix says: its command as printed, else the line of the configuration."""
    command = root["fix"]["command"]
    if command is None:
        assert service in LINES, f"{root['name']} prints no command: {root['fix']}"
        LINES[service](here)
        return
    assert command.startswith("kubectl ")
    done = here.run("sh", "-c", command)
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"


def settled(here: Shop, service: str) -> tuple[int, dict[str, Any]]:
    """The diagnosis once the change has taken effect: exit code 0, or the last one before the time is up."""
    for name in here.kubectl("get", "deployments", "-n", here.namespace, "-o", "name").split():
        # Not all can become available yet: the next fault of the chain may keep one from it.
        here.cluster.kubectl("rollout", "status", name, "-n", here.namespace, "--timeout=30s", check=False)
    deadline = time.monotonic() + MENDED_SECONDS
    while True:
        code, report = here.diagnose(service)
        if code == 0 or time.monotonic() > deadline:
            return code, report
        time.sleep(1)


def with_patch(service: str, *operations: dict[str, Any]) -> Callable[[Shop], None]:
    """Change the Service's Deployment by a JSON patch."""

    def change(here: Shop) -> None:
        patch = json.dumps(operations)
        here.kubectl("patch", f"deployment/{service}", "-n", here.namespace, "--type=json", "-p", patch)

    return change


def replace(path: str, value: object) -> dict[str, Any]:
    """A JSON patch operation on the pod template's spec."""
    return {"op": "replace", "path": f"/spec/template/spec/{path}", "value": value}


def set_smtp_host(here: Shop) -> None:
    """Give the app the setting that its log asks for."""
    here.kubectl("set", "env", "deployment/emails", "-n", here.namespace, "SMTP_HOST=mail.example")


def bring_inventory_home(here: Shop) -> None:
    """Run the Deployment of the warehouse in the shop."""
    home = [d for d in shop.documents("inventory") if d["kind"] == "Deployment"]
    here.apply([{**d, "metadata": {**d["metadata"], "namespace": "shop"}} for d in home])


# The line that each fix without a command names.
LINES: dict[str, Callable[[Shop], None]] = {
    "inventory": bring_inventory_home,
    "emails": set_smtp_host,
    "thumbnails": with_patch("thumbnails", replace("containers/0/image", "localhost/busybox:1")),
    "sessions": with_patch("sessions", replace("containers/0/command", ["python3", "-m", "http.server", "8080"])),
}
