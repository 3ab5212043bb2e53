"""Two network namespaces of the test's own, a host and the machine beside it, with real listeners and rules.

Everything is gone when their holders end: links, addresses and rules live in the namespaces.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster import debian

from .tool import RUN_SECONDS

HOST, BESIDE = "10.9.1.1", "10.9.1.2"
HOLD = "import sys; print('ready', flush=True); sys.stdin.read()"
LISTENER = """
import json, selectors, socket, sys
kept, served = [], []
for address, port, how in json.loads(sys.argv[1]):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM if how == "udp" else socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, how == "v6only")
    one.bind((address, port))
    kept.append(one)
    if how != "udp":
        one.listen(0 if how == "stuck" else 8)
    if how in ("closes", "http"):
        served.append((one, how))
    if how == "stuck":
        kept.append(socket.create_connection((address, port)))
looks = selectors.DefaultSelector()
looks.register(sys.stdin, selectors.EVENT_READ, "")
for one, how in served:
    looks.register(one, selectors.EVENT_READ, how)
print("ready", flush=True)
while True:
    for key, _ in looks.select():
        if key.fileobj is sys.stdin:
            sys.exit()
        client = key.fileobj.accept()[0]
        if key.data == "http":
            client.settimeout(2)
            try:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n")
            except OSError:
                pass
        client.close()
"""


@dataclass(frozen=True)
class Machine:
    """One namespace, by the process that holds it; `within` are words before our command, for other files."""

    pid: int
    within: tuple[str, ...] = ()

    @property
    def enter(self) -> list[str]:
        """The words before a command that is to run there."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def run(self, *words: str, given: str = "") -> str:
        """Run a program of the cluster's tools there."""
        done = subprocess.run(
            [*self.enter, *words],
            input=given,
            env=debian.environment(),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def refused(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Exit code and report of `refused WORDS -o json` there."""
        done = subprocess.run(
            [*self.enter, *self.within, sys.executable, "-m", "kubectl_refused", *words, "-o", "json"],
            env=debian.environment() | {"KUBECONFIG": "/dev/null"},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, report

    def roots(self, *targets: str) -> dict[str, dict[str, Any]]:
        """The diagnosis of each target, of one run."""
        _, report = self.refused(*targets)
        named = [target for target in targets if not target.startswith("--")]
        return dict(zip(named, report["items"], strict=True))


@contextmanager
def held(words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that says when it is ready, and ends with its input."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """The host and the machine beside it, with a link between them."""
    with ExitStack() as stack:
        words = ["unshare", "--net", sys.executable, "-c", HOLD]
        host, beside = (Machine(stack.enter_context(held(words)).pid) for _ in range(2))
        host.run("ip", "link", "add", "one", "type", "veth", "peer", "name", "two", "netns", str(beside.pid))
        for machine, link, address in ((host, "one", HOST), (beside, "two", BESIDE)):
            machine.run("ip", "-batch", "-", given=f"link set lo up\naddr add {address}/24 dev {link}\n"
                        f"link set {link} up\n")  # fmt: skip
        yield host, beside


@contextmanager
def listening(machine: Machine, *sockets: tuple[str, int, str]) -> Iterator[None]:
    """Listeners there: (address, port, how), how being tcp, udp, v6only, stuck, closes or http."""
    with held([*machine.enter, sys.executable, "-c", LISTENER, json.dumps(sockets)]):
        yield
