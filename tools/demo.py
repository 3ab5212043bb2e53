"""`make demo`: a broken shop, diagnosed from its files at once and then on a real cluster.

The cluster: kind where Docker and kind are usable and the node image can be had; else, on Linux as
root, the embedded one; else none, and the offline diagnosis is all. It is removed afterwards, also
after Ctrl-C, unless --keep. Standard library only: it runs before there is a venv.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.background import Build, raise_interrupt
from tools.demo_clusters import NAME, ROOT, DemoCluster, Embedded, Kind, NotAvailable

ESTIMATE = "about 6 minutes if Kubernetes must be built first, else about 2"


def main(words: Sequence[str]) -> int:
    """Run the demo; 0 iff every diagnosis was the expected one."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--cluster", choices=("kind", "embedded", "offline"), help="rather than what fits")
    parser.add_argument("--keep", action="store_true", help="keep the cluster")
    arguments = parser.parse_args(words)
    signal.signal(signal.SIGTERM, raise_interrupt)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="refused-demo-") as scratch:
            code = demo(Path(scratch), arguments.cluster, keep=arguments.keep)
    except KeyboardInterrupt:
        say("interrupted; all it made is removed")
        return 130
    say(f"{'done' if code == 0 else 'FAILED'} after {time.monotonic() - began:.0f} s")
    return code


def demo(scratch: Path, forced: str | None, *, keep: bool) -> int:
    """Offline first, while what the cluster needs is built; then live on the first cluster to be had."""
    clusters = choose([Kind(scratch), Embedded()], forced)
    if forced in ("kind", "embedded") and not clusters:
        return 1
    build = Build() if clusters and clusters[0].needs_build else None
    try:
        code = child([sys.executable, "-m", "tools.virtualenv"])
        if code != 0:
            return code
        code = child([".venv/bin/python", "-m", "tools.tour", "offline"])
        return (live(clusters, build, keep=keep) if clusters else 0) or code
    finally:
        if build:
            build.stop()


def choose(clusters: Sequence[DemoCluster], forced: str | None) -> list[DemoCluster]:
    """Those that may be had here, best first; says why another cannot."""
    usable = []
    for cluster in clusters:
        if forced not in (None, cluster.label):
            continue
        try:
            cluster.check()
            usable.append(cluster)
        except NotAvailable as reason:
            say(f"no {cluster.label} cluster: {reason}")
    then = f"then on {article(usable[0])} cluster, {ESTIMATE}" if usable else "and nothing more"
    say(f"the diagnosis from the files alone first, {then}")
    return usable


def article(cluster: DemoCluster) -> str:
    """`a kind`, `an embedded`."""
    return f"an {cluster.label}" if cluster.label[0] in "aeiou" else f"a {cluster.label}"


def live(clusters: Sequence[DemoCluster], build: Build | None, *, keep: bool) -> int:
    """The tour on the first of the clusters that comes up."""
    for cluster in clusters:
        if cluster.needs_build:
            say("waiting for the build of the cluster's program, if it is not in the cache")
            build = build or Build()
            if build.wait() != 0:
                return 1
        kept = False
        try:
            say(f"starting {article(cluster)} cluster named {NAME}")
            cluster.up()
            code = child(cluster.tour())
            kept = keep
            if keep:
                explain(cluster)
            return code
        except NotAvailable as reason:
            say(str(reason))
        finally:
            if not kept:
                remove(cluster)
    return 1


def explain(cluster: DemoCluster) -> None:
    """Print how to use a kept cluster and how to remove it."""
    kubectl = cluster.kubectl()
    say(f"the cluster {NAME} is kept. Look around with:")
    print(f"  {kubectl} get pods -n shop")
    kubeconfig = kubectl.rpartition("--kubeconfig=")[2]
    print(f"  .venv/bin/kubectl-refused svc/checkout -n shop --kubeconfig={kubeconfig}")
    removal = (
        f"make cluster-down CLUSTER_NAME={NAME}" if cluster.needs_build else f"kind delete cluster --name {NAME}"
    )
    print(f"and remove it with:\n  {removal}", flush=True)


def remove(cluster: DemoCluster) -> None:
    """Remove the cluster; a second Ctrl-C must not leave half of it."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        say(f"removing the {cluster.label} cluster")
        cluster.down()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def child(argv: Sequence[str]) -> int:
    """Run a step in the checkout, its output shown; its exit code."""
    with subprocess.Popen(argv, cwd=ROOT) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # A terminal's Ctrl-C reached it too; a plain SIGTERM did not.
            process.terminate()
            raise


def say(text: str) -> None:
    """One line of progress on stderr."""
    sys.stdout.flush()
    print(f"demo: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
