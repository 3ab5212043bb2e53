"""Connections out of /proc/net/tcp and tcp6, and what stands beside them. Pure; hostile text yields nothing.

States are those of include/net/tcp_states.h: 01 established, 02 a SYN was sent, 06 TIME_WAIT, 0A listening. Every
state but the last holds a local port.
"""

from __future__ import annotations

import ipaddress
import re

from kubectl_refused.model.observation import Connections, Peer
from kubectl_refused.patterns import lazily
from kubectl_refused.probes.proc_net import MOST_LINES, address_of, byte_order_of

MOST_PEERS, MOST_LINKS = 1024, 512
# Marks in the output of the script in connection_exec.py.
COUNT_MARK, RANGE_MARK = "@count ", "@range "
_HEX = r"(?:[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{24})?)"
_ROW = lazily(rf"\s*\d{{1,9}}: {_HEX}:[0-9A-Fa-f]{{4}} ({_HEX}):([0-9A-Fa-f]{{4}}) (0[1-9B])(?:\s|$)", re.ASCII)
_COUNT = lazily(rf"{COUNT_MARK}(\d{{1,9}})", re.ASCII)
_RANGE = lazily(rf"(?:{RANGE_MARK})?(\d{{1,5}})\s+(\d{{1,5}})", re.ASCII)
_LINK = lazily(r"([A-Z][A-Z0-9_]{0,252})_SERVICE_HOST=([0-9A-Fa-f.:]{2,45})", re.ASCII)


def connections_of(text: str, witness: str) -> Connections:
    """All that the script, or the tables alone, tell."""
    order = byte_order_of(text)
    peers: dict[tuple[str, int], Peer] = {}
    counted, rows, ports = 0, 0, None
    links: dict[str, str] = {}
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        if row := _ROW.match(line):
            rows += 1
            if row[3] in ("01", "02") and len(peers) < MOST_PEERS:
                _add(peers, address_of(row[1], order), int(row[2], 16), waiting=row[3] == "02")
        elif count := _COUNT.fullmatch(line):
            counted += int(count[1])
        elif found := _RANGE.fullmatch(line.strip()):
            ports = (int(found[1]), int(found[2]))
        elif (link := _LINK.fullmatch(line)) and len(links) < MOST_LINKS and _is_address(link[2]):
            links[link[1]] = link[2]
    return Connections(tuple(peers.values()), witness, max(counted, rows), ports, tuple(links.items()))


def _add(peers: dict[tuple[str, int], Peer], address: str, port: int, *, waiting: bool) -> None:
    known = peers.get((address, port), Peer(address, port))
    peers[address, port] = Peer(address, port, known.open + (not waiting), known.waiting + waiting)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
