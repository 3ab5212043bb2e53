"""The Gateway API's kinds for a cluster: the definitions out of their Go module, by the Go module proxy's client.

Once installed they stay: a kind that comes and goes would break whoever lists all kinds meanwhile.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from pathlib import Path

from tests.cluster.api import Cluster
from tests.cluster.cache import digest, locked, once
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import SETTINGS, machine_go, wheel_go
from tests.cluster.progress import long_step
from tests.cluster.shell import run

MODULE = "sigs.k8s.io/gateway-api@v1.4.0"
SUM = "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ="  # as go.sum has it
GROUP = "gateway.networking.k8s.io"
KINDS = ("gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants")
CHANNEL = Path("config", "crd", "standard")
FETCH_SECONDS = 120.0


def install_gateway_api(cluster: Cluster) -> None:
    """Define the kinds where the cluster lacks them, and wait until they are served."""
    with locked(f"gateway-api-{cluster.name}"):
        served = {group["name"] for group in cluster.client().call("GET", "/apis")["groups"]}
        if GROUP in served:
            return
        files = [word for kind in KINDS for word in ("-f", str(definitions() / f"{kind}.yaml"))]
        # Not `apply`: what it notes in an annotation is larger than an annotation may be.
        cluster.kubectl("create", *files)
        names = [f"{kind}.{GROUP}" for kind in KINDS]
        cluster.kubectl("wait", "--for=condition=Established", "crd", *names, "--timeout=60s", timeout=90)


@functools.cache
def definitions() -> Path:
    """A directory with one file for each kind, fetched if the cache lacks it."""

    def make(fresh: Path) -> None:
        go = machine_go() or wheel_go()
        with long_step("fetching the Gateway API", estimate=5):
            argv: list[str | Path] = [go, "mod", "download", "-json", MODULE]
            done = run(argv, environment={**os.environ, **SETTINGS}, timeout=FETCH_SECONDS, cwd=fresh)
            told = json.loads(done.stdout)
        if told.get("Sum") != SUM:
            raise ClusterError(f"{MODULE} has the sum {told.get('Sum')}, and {SUM} is expected")
        for kind in KINDS:
            shutil.copyfile(Path(told["Dir"]) / CHANNEL / f"{GROUP}_{kind}.yaml", fresh / f"{kind}.yaml")

    return once("gateway-api", digest(MODULE.encode(), *(kind.encode() for kind in KINDS)), make)
