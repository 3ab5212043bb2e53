"""`python -m tests.cluster up|down|status|kubeconfig|logs|load TAR|kubectl -- … [--name NAME] …`

Progress goes to stderr, answers to stdout. Exit code 1: it failed, and one line says why.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster import api
from tests.cluster.api import Cluster, ClusterError, ClusterOptions
from tests.cluster.options import FAMILIES, POLICY_STYLES, PROXY_MODES
from tests.cluster.progress import say

LOG_LINES = 20


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    default = ClusterOptions()
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", default=default.name, help="which cluster (default: %(default)s)")
    commands = top.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", parents=[common], help="start it, or find it running")
    start.add_argument("--nodes", type=int, default=default.nodes)
    start.add_argument("--proxy-mode", choices=PROXY_MODES, default=default.proxy_mode)
    start.add_argument("--policy-style", choices=POLICY_STYLES, default=default.policy_style)
    start.add_argument("--dual-stack", action="store_true", help="IPv6 addresses beside the IPv4 ones")
    commands.add_parser("down", parents=[common], help="end it and remove all it made")
    commands.add_parser("status", parents=[common], help="exit 0 if it is ready")
    commands.add_parser("kubeconfig", parents=[common], help="print the path of its kubeconfig")
    commands.add_parser("logs", parents=[common], help="print the end of every log")
    load = commands.add_parser("load", parents=[common], help="import an image archive on every node")
    load.add_argument("archive", type=Path, metavar="TAR")
    words = commands.add_parser("kubectl", parents=[common], help="run kubectl on it: kubectl -- get pods")
    words.add_argument("words", nargs="*", metavar="WORD")
    return top


def up(arguments: argparse.Namespace) -> int:
    """Start the cluster and print its kubeconfig."""
    families = FAMILIES if arguments.dual_stack else FAMILIES[:1]
    options = ClusterOptions(
        arguments.name, arguments.nodes, arguments.proxy_mode, arguments.policy_style, families
    )
    print(api.up(options).kubeconfig)
    return 0


def down(arguments: argparse.Namespace) -> int:
    """End the cluster and say how long that took."""
    began = time.monotonic()
    api.down(arguments.name)
    say(f"cluster {arguments.name} is down after {time.monotonic() - began:.1f} s")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Say whether the cluster is up; exit code 1 if it is not ready."""
    cluster = api.find(arguments.name)
    if cluster is None:
        print(f"{arguments.name}: down")
        return 1
    ready = api.is_ready(cluster)
    options = cluster.options
    state, families = "ready" if ready else "starting", " and ".join(options.ip_families)
    print(f"{options.name}: {state}, {options.nodes} nodes, {options.proxy_mode}, {families}")
    return 0 if ready else 1


def kubeconfig(arguments: argparse.Namespace) -> int:
    """Print the path of the administrator's kubeconfig."""
    print(running(arguments.name).kubeconfig)
    return 0


def logs(arguments: argparse.Namespace) -> int:
    """Print the end of every log."""
    for path in sorted(running(arguments.name).logs.glob("*.log")):
        print(f"==> {path}")
        print("\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:]))
    return 0


def load(arguments: argparse.Namespace) -> int:
    """Import an image archive on every node."""
    running(arguments.name).load(arguments.archive)
    return 0


def kubectl(arguments: argparse.Namespace) -> int:
    """Run kubectl as the administrator and pass on its answer."""
    done = running(arguments.name).kubectl(*arguments.words, check=False)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def running(name: str) -> Cluster:
    """The cluster of that name, which must be up."""
    cluster = api.find(name)
    if cluster is None:
        raise ClusterError(f"cluster {name} is not up")
    return cluster


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": up,
    "down": down,
    "status": status,
    "kubeconfig": kubeconfig,
    "logs": logs,
    "load": load,
    "kubectl": kubectl,
}


def main(words: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    arguments = parser().parse_args(words)
    try:
        return COMMANDS[arguments.command](arguments)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `down` removes what a half-started cluster left", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
