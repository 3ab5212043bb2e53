"""Diagnose the shop and compare what was found with manifests/demo/expected.yaml.

    .venv/bin/python -m tools.tour offline
    .venv/bin/python -m tools.tour live --kubeconfig FILE --kubectl COMMAND

`live` applies the manifests to the cluster of that kubeconfig, waits until the broken things show
it, and lets the real kubectl run the plugin for each Service, as a person would. Exit code 0 iff
every root is the expected one.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import shop
from tools.background import raise_interrupt

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
RUN_SECONDS = 120.0
# A diagnosis that ran to its end: no fault, a proved fault, or a failure without a proved cause.
JUDGED = (0, 1, 3)

Found = dict[str, str | None]


class TourError(Exception):
    """The tour cannot go on; the text says why."""


def main(words: Sequence[str]) -> int:
    """Run one of the two tours and tell how it went."""
    parser = argparse.ArgumentParser(prog="tour", description=__doc__.partition("\n")[0])
    parser.add_argument("which", choices=("offline", "live"))
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--kubectl", default="kubectl", help="the words that run kubectl")
    arguments = parser.parse_args(words)
    signal.signal(signal.SIGTERM, raise_interrupt)
    began = time.monotonic()
    try:
        if arguments.which == "offline":
            good = offline()
        else:
            good = live(arguments.kubeconfig, shlex.split(arguments.kubectl))
    except TourError as error:
        say(str(error))
        return 1
    say(f"{arguments.which} tour: {time.monotonic() - began:.0f} s")
    return 0 if good else 1


def offline() -> bool:
    """Diagnose the manifests alone; whether all roots are as expected."""
    argv = ["kubectl", "refused", "-f", os.path.relpath(shop.DEMO), "-n", shop.NAMESPACE]
    own = [str(BIN / "python"), "-m", "kubectl_refused", *argv[2:]]
    # Without a kubeconfig: nothing of the caller's may be read, and files need none.
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    show(argv, own, environment)
    report = as_data(own, environment)
    return compare({row.service: row.objects for row in shop.expected()}, shop.roots(report))


def live(kubeconfig: Path, kubectl: Sequence[str]) -> bool:
    """Break the shop on a cluster and diagnose every Service; whether all roots are as expected."""
    with tempfile.TemporaryDirectory(prefix="refused-tour-") as scratch:
        environment = surroundings(Path(scratch), kubeconfig, kubectl)
        run = kubectl_in(environment)
        say("applying manifests/demo")
        run("apply", "-f", str(shop.DEMO))
        found: Found = {}
        for row in shop.expected():
            # Just before it is needed: while one Service is diagnosed, the next ones' pods get there.
            if shop.await_states(run, [row], say=say):
                raise TourError(f"pods of {row.service} not {row.pods} after {shop.SETTLE_SECONDS:.0f} s")
            found.update(diagnose(row.service, environment))
    return compare({row.service: row.packets for row in shop.expected()}, found)


def surroundings(scratch: Path, kubeconfig: Path, kubectl: Sequence[str]) -> dict[str, str]:
    """The environment in which `kubectl refused` means our plugin and the demo's cluster, and nothing else."""
    wrapper = scratch / "kubectl"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(kubectl)} "$@"\n')
    wrapper.chmod(0o755)
    path = f"{scratch}:{BIN}:{os.environ.get('PATH', os.defpath)}"
    # HOME: kubectl keeps a discovery cache there, and the caller's is none of ours.
    return {**os.environ, "PATH": path, "KUBECONFIG": str(kubeconfig), "HOME": str(scratch)}


def kubectl_in(environment: Mapping[str, str]) -> Callable[..., str]:
    """A function that runs kubectl with these words and returns its output; TourError if it fails."""

    def run(*words: str) -> str:
        argv = ["kubectl", "--request-timeout=20s", *words]
        done = subprocess.run(
            argv, env=dict(environment), capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
        if done.returncode != 0:
            raise TourError(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    return run


def diagnose(service: str, environment: Mapping[str, str]) -> Found:
    """Show the report about one Service, and return its root from a run beside it that writes JSON."""
    argv = ["kubectl", "refused", f"svc/{service}", "-n", shop.NAMESPACE]
    with ThreadPoolExecutor(1) as pool:
        data = pool.submit(as_data, argv, environment)
        try:
            show(argv, argv, environment)
            return shop.roots(data.result())
        except TourError as error:
            # The comparison counts it as no answer; the other Services are still worth their diagnosis.
            say(str(error))
            return {}


def show(told: Sequence[str], argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Print the command and let it write its report."""
    print(f"\n$ {shlex.join(told)}", flush=True)
    code = subprocess.run(argv, env=dict(environment), timeout=RUN_SECONDS, check=False).returncode
    if code not in JUDGED:
        raise TourError(f"{shlex.join(told)}: exit code {code}")


def as_data(argv: Sequence[str], environment: Mapping[str, str]) -> dict[str, object]:
    """The report of the same command as data."""
    done = subprocess.run(
        [*argv, "-o", "json"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if done.returncode not in JUDGED:
        raise TourError(f"{shlex.join(argv)} -o json: exit code {done.returncode}: {done.stderr.strip()}")
    report: dict[str, object] = json.loads(done.stdout)
    return report


def compare(wanted: Found, found: Found) -> bool:
    """Say how many roots are the expected ones and which are not; whether all are."""
    names = [*wanted, *(name for name in found if name not in wanted)]
    wrong = [name for name in names if name not in found or wanted.get(name) != found[name]]
    print()
    for name in wrong:
        told = (found[name] or "nothing wrong") if name in found else "no answer"
        say(f"svc/{name}: expected {wanted.get(name) or 'nothing wrong'}, found {told}")
    say(f"{len(names) - len(wrong)} of {len(names)} Services diagnosed as manifests/demo/expected.yaml says")
    return not wrong


def say(text: str) -> None:
    """One line of progress on stderr, after all that went to stdout."""
    sys.stdout.flush()
    print(f"demo: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
