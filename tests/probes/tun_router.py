"""A router in a network namespace of its own that answers SYNs as told by the address dialled.

Run as `unshare --net python tun_router.py COMMAND…`: makes a TUN device, answers for the networks behind it,
runs the command there and leaves with its exit code. No packet leaves the namespace. The last part of the
address tells:

    3  reject (ICMP 3/3, ICMPv6 1/4)    4  silence     5  RST
    6  prohibited (3/13, 1/1)           7  no such host (3/1, 1/3)
    8  reject with the kernel's limit: six at once, then one a second
    9  accept, then RST
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
import time

ROUTER = {4: "10.9.0.254", 6: "fd00:9::fe"}
ICMP = {3: (3, 3), 6: (3, 13), 7: (3, 1), 8: (3, 3)}
ICMP6 = {3: (1, 4), 6: (1, 1), 7: (1, 3), 8: (1, 4)}
SYN, RST, ACK = 0x02, 0x04, 0x10
LIMIT = 6.0


class Router:
    """Answers what is read from the device."""

    def __init__(self, device: int) -> None:
        self.device = device
        self.tokens, self.filled = LIMIT, time.monotonic()

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            packet = os.read(self.device, 4096)
            if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
                self.answer(packet, packet[12:16], packet[16:20], packet[20:])
            elif packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP:
                self.answer(packet, packet[8:24], packet[24:40], packet[40:])

    def answer(self, packet: bytes, source: bytes, target: bytes, tcp: bytes) -> None:
        """Answer one segment."""
        kind, flags = target[-1], tcp[13]
        if kind in ICMP and (kind != 8 or self.may_send()):
            self.say_no(packet, source, kind)
        elif kind == 5 and flags & SYN:
            self.segment(source, target, tcp, RST | ACK)
        elif kind == 9 and flags & SYN:
            self.segment(source, target, tcp, SYN | ACK)
        elif kind == 9 and not flags & RST:
            self.segment(source, target, tcp, RST)

    def may_send(self) -> bool:
        """The kernel's token bucket for ICMP errors to one client."""
        now = time.monotonic()
        self.tokens, self.filled = min(LIMIT, self.tokens + now - self.filled), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def say_no(self, packet: bytes, source: bytes, kind: int) -> None:
        """An ICMP error from the router that quotes the packet (RFC 792, RFC 4443)."""
        v4 = len(source) == 4
        number, code = (ICMP if v4 else ICMP6)[kind]
        body = struct.pack("!BBHI", number, code, 0, 0) + packet[:60]
        router = socket.inet_pton(socket.AF_INET if v4 else socket.AF_INET6, ROUTER[4 if v4 else 6])
        protocol = socket.IPPROTO_ICMP if v4 else socket.IPPROTO_ICMPV6
        sums = checksum(body if v4 else pseudo(router, source, protocol, body) + body)
        self.send(router, source, protocol, body[:2] + struct.pack("!H", sums) + body[4:])

    def segment(self, source: bytes, target: bytes, tcp: bytes, flags: int) -> None:
        """A bare TCP segment back to the client."""
        client, server, sequence, acknowledged = struct.unpack_from("!HHII", tcp)
        mine = 1000 if flags & SYN or flags & ACK else acknowledged
        body = struct.pack("!HHIIBBHHH", server, client, mine, sequence + 1, 5 << 4, flags, 65535, 0, 0)
        sums = checksum(pseudo(target, source, socket.IPPROTO_TCP, body) + body)
        self.send(target, source, socket.IPPROTO_TCP, body[:16] + struct.pack("!H", sums) + body[18:])

    def send(self, source: bytes, target: bytes, protocol: int, body: bytes) -> None:
        """Put one IP packet on the device."""
        if len(source) == 4:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + source + target
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        else:
            head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + source + target
        os.write(self.device, head + body)


def pseudo(source: bytes, target: bytes, protocol: int, body: bytes) -> bytes:
    """The pseudo-header of TCP's and ICMPv6's checksums; for IPv4 the shorter one sums up to the same."""
    return source + target + struct.pack("!II", len(body), protocol)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def open_device() -> int:
    """Make the TUN device with its addresses and routes (Documentation/networking/tuntap in the kernel)."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", b"tun0", 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
    for command in (
        "ip link set lo up",
        "ip address add 10.9.0.1/24 dev tun0",
        "ip -6 address add fd00:9::1/64 dev tun0 nodad",
        "ip link set tun0 up",
    ):
        subprocess.run(command.split(), check=True)
    return device


def main(command: list[str]) -> int:
    """Serve while the command runs."""
    threading.Thread(target=Router(open_device()).serve, daemon=True).start()
    return subprocess.run(command, timeout=50, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
