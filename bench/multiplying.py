"""Make up to ten clusters' worth of objects from one, in etcd itself.

What the API server has stored is copied under other names and addresses of the same length, which keeps its
encoding (protobuf) valid: an hour of requests on two cores becomes a minute. `crowd` makes names that allow it.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

from bench import crowd

AT_MOST = 10
PUTS_EACH = 64  # etcd takes 128 in a transaction, and 1.5 MB
KEYS_EACH = 500
SECONDS = 300.0
PREFIXES = ("services/specs", "pods", "endpointslices", "networkpolicies", "namespaces", "ipaddresses")
_SPACE = re.compile(rb"team-(\d{3})")
_SERVICE_ADDRESS = re.compile(rb"\b10\.(?:9[6-9]|10[0-9]|11[01])\.\d{1,3}\.\d{1,3}\b")  # of 10.96.0.0/12
_UID = re.compile(rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{10})([0-9a-f]{2})")
Addresses = dict[tuple[bytes, int], bytes]


def multiply(port: int, services: int, times: int) -> None:
    """Have `times` as many of all that `services` Services made, by copies of it. The API server must be down."""
    etcd = Etcd(port)
    given = [key.rpartition(b"/")[2] for key, _ in etcd.under(b"/registry/ipaddresses/")]
    addresses = fresh_addresses(given, times)
    for prefix in PREFIXES:
        for key, value in list(etcd.under(f"/registry/{prefix}/".encode())):
            if b"team-" in key or (prefix == "ipaddresses" and b"team-" in value):
                for copy in range(1, times):
                    etcd.put(*(renamed(text, copy, services, addresses) for text in (key, value)))
    etcd.flush()


def fresh_addresses(given: list[bytes], times: int) -> Addresses:
    """For each Service's address and each copy one that nobody has, of the same length and in the same range.

    The API server ends where a Service's address lies outside its range.
    """
    taken, found = set(given), Addresses()
    free: dict[tuple[bytes, int], Iterator[bytes]] = {}
    for address in given:
        kind = (address.rsplit(b".", 2)[0], len(address))
        for copy in range(1, times):
            others = free.setdefault(kind, _like(*kind))
            new = next(one for one in others if one not in taken)
            taken.add(new)
            found[address, copy] = new
    return found


def _like(start: bytes, length: int) -> Iterator[bytes]:
    """Every address of that length with the first two bytes, but those that a network might keep for itself."""
    for third in range(1, 255):
        for fourth in range(1, 255):
            address = b"%s.%d.%d" % (start, third, fourth)
            if len(address) == length:
                yield address


def renamed(text: bytes, copy: int, services: int, addresses: Addresses) -> bytes:
    """A key or a value with the names and addresses of a copy."""
    spaces = crowd.namespaces(services)
    text = _SPACE.sub(lambda found: b"team-%03d" % (int(found[1]) + copy * spaces), text)
    text = text.replace(b"web-00", b"web-%02d" % (copy * services // 1000))
    text = text.replace(b"10.128.", b"10.%d." % (128 + copy))
    text = _SERVICE_ADDRESS.sub(lambda found: addresses.get((found[0], copy), found[0]), text)
    return _UID.sub(lambda found: found[1] + b"%02x" % ((int(found[2], 16) + copy) % 256), text)


class Etcd:
    """Its JSON gateway; puts are gathered."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self.waiting: list[dict[str, Any]] = []

    def under(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys with that prefix, and their values."""
        start, end = prefix, prefix[:-1] + bytes([prefix[-1] + 1])
        while True:
            asked = {"key": _text(start), "range_end": _text(end), "limit": KEYS_EACH}
            found = self._call("range", asked)
            pairs = [(base64.b64decode(kv["key"]), base64.b64decode(kv["value"])) for kv in found.get("kvs", [])]
            yield from pairs
            if not found.get("more"):
                return
            start = pairs[-1][0] + b"\0"

    def put(self, key: bytes, value: bytes) -> None:
        """Store, with the next transaction."""
        self.waiting.append({"requestPut": {"key": _text(key), "value": _text(value)}})
        if len(self.waiting) == PUTS_EACH:
            self.flush()

    def compact(self) -> None:
        """Forget what was before: who reads on from an earlier revision is told that it is gone."""
        revision = self._call("range", {"key": _text(b"/"), "limit": 1})["header"]["revision"]
        self._call("compaction", {"revision": revision, "physical": True})

    def flush(self) -> None:
        """Store what waits."""
        if self.waiting:
            self._call("txn", {"success": self.waiting})
            self.waiting = []

    def _call(self, what: str, body: object) -> Any:
        self.connection.request("POST", f"/v3/kv/{what}", json.dumps(body), {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"etcd, {what}: {response.status} {text[:300].decode(errors='replace')}")
        return json.loads(text)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
