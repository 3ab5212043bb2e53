"""Write a large cluster through the API, once: what etcd then holds is kept in the cache.

    python -m bench.filling [--services N]

Writing a thousand Services and what belongs to them takes minutes, multiplying them a minute; the next run takes a
copy of etcd's files.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from bench import crowd, multiplying
from bench.control_plane import ControlPlane, control_plane
from bench.crowd import Wanted
from bench.multiplying import AT_MOST, multiply
from tests.cluster.apiclient import ApiClient
from tests.cluster.cache import digest, once
from tests.cluster.gobuild import SOURCE, source_key
from tests.cluster.progress import say

BASE = 1000  # written through the API; more are copies of these
WRITERS = 8
SAY_EACH = 5000
SAMPLE = 200  # Services; every fault is among a hundred
REQUEST_SECONDS = 120.0


def stored(services: int) -> Path:
    """etcd's files of a cluster with so many Services, written now unless the cache has them."""
    if services > BASE and (services % BASE or services > BASE * AT_MOST):
        raise ValueError(f"{services} Services: want at most {BASE}, or up to {AT_MOST} times as many")

    def make(fresh: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="refused-scale-") as folder:
            with control_plane(Path(folder), stored(BASE) if services > BASE else None) as plane:
                if services > BASE:
                    plane.end("kube-apiserver")
                    multiply(plane.ports[1], BASE, services // BASE)
                else:
                    fill(plane, services)
            shutil.copytree(plane.data, fresh / "etcd")

    # Of what is written, so that another wording of the program costs no new hour.
    sample = json.dumps([*crowd.of_services(SAMPLE)]).encode()
    copies = Path(multiplying.__file__).read_bytes() if services > BASE else b""
    key = digest(sample, copies, source_key(SOURCE).encode(), str(services).encode())
    return once("scale", key, make) / "etcd"


@contextmanager
def filled(services: int) -> Iterator[ControlPlane]:
    """A control plane with so many Services, for the length of a block."""
    data = stored(services)
    with (
        tempfile.TemporaryDirectory(prefix="refused-scale-") as folder,
        control_plane(Path(folder), data) as plane,
    ):
        yield plane


def fill(plane: ControlPlane, services: int) -> None:
    """Write all objects, the namespaces before the rest."""
    began = time.monotonic()
    wanted = crowd.of_services(services)
    write_all(plane, islice(wanted, crowd.namespaces(services)))
    written = write_all(plane, wanted)
    say(f"{written} objects written in {time.monotonic() - began:.0f} s")


def write_all(plane: ControlPlane, wanted: Iterator[Wanted]) -> int:
    """Write in turns from several threads; how many objects that were. Raises what a writer raised."""
    lock, written = threading.Lock(), 0

    def work() -> None:
        nonlocal written
        writer = Writer(plane.client())
        with closing(writer.connection):
            while True:
                with lock:
                    one = next(wanted, None)
                    written += one is not None
                    if written % SAY_EACH == 0 and one:
                        say(f"{written} objects written")
                if one is None:
                    return
                writer.write(one)

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(work) for _ in range(WRITERS)]:
            done.result()
    return written


class Writer:
    """One kept-alive connection: the harness's own client opens one for each request, which costs a handshake."""

    def __init__(self, client: ApiClient) -> None:
        self.connection = http.client.HTTPSConnection(
            client.host, client.port, context=client.tls, timeout=REQUEST_SECONDS
        )

    def write(self, wanted: Wanted) -> None:
        """Create the object, then set its status as a kubelet does."""
        self.send("POST", wanted.path, wanted.body)
        if wanted.status is not None:
            path = f"{wanted.path}/{wanted.body['metadata']['name']}/status"
            self.send("PATCH", path, {"status": wanted.status})

    def send(self, method: str, path: str, body: object) -> None:
        """Send; RuntimeError for any answer but a success."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self.connection.request(
            method, path, json.dumps(body), {"Content-Type": kind, "User-Agent": "kubelet/bench"}
        )
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {text[:500].decode(errors='replace')}")


def main(words: Sequence[str]) -> int:
    """Fill the cache."""
    parser = argparse.ArgumentParser(prog="python -m bench.filling", description=__doc__.partition("\n")[0])
    parser.add_argument("--services", type=int, default=10_000)
    print(stored(parser.parse_args(words).services))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
