"""A client and two routers behind each other, each a network namespace with the kernel's own stack.

Run as `unshare --net python router_chain.py COMMAND…`: the command runs where the client is, and no packet
leaves these three. Behind the second router N in 10.8.N.1 and fd00:8:N::1 tells what happens:

    11  the first router prohibits      12  the second prohibits      13  the second has no such host
    14  the second drops silently       15  the second itself: closed ports, and a listener on port 80
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time

CLIENT = """
link set lo up
address add 10.8.1.1/24 dev near0
address add fd00:8:1::1/64 dev near0 nodad
link set near0 up
route add 10.8.0.0/16 via 10.8.1.254
route add fd00:8::/32 via fd00:8:1::254
"""
FIRST = """
address add 10.8.1.254/24 dev near1
address add fd00:8:1::254/64 dev near1 nodad
address add 10.8.2.1/24 dev far0
address add fd00:8:2::1/64 dev far0 nodad
link set near1 up
link set far0 up
route add prohibit 10.8.11.0/24
route add prohibit fd00:8:11::/64
route add 10.8.0.0/16 via 10.8.2.254
route add fd00:8::/32 via fd00:8:2::254
"""
SECOND = """
link set lo up
address add 10.8.2.254/24 dev far1
address add fd00:8:2::254/64 dev far1 nodad
link set far1 up
address add 10.8.15.1/32 dev lo
address add fd00:8:15::1/128 dev lo nodad
route add 10.8.1.0/24 via 10.8.2.1
route add fd00:8:1::/64 via fd00:8:2::1
route add prohibit 10.8.12.0/24
route add prohibit fd00:8:12::/64
route add unreachable 10.8.13.0/24
route add unreachable fd00:8:13::/64
route add blackhole 10.8.14.0/24
route add blackhole fd00:8:14::/64
"""
FORWARD = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
SERVER = """
import socket
server = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
kept = []
while True:
    kept.append(server.accept())
"""


def ip(commands: str, inside: list[str]) -> None:
    """Run `ip` for every line, in the namespace that `inside` enters."""
    run = [*inside, "ip", "-force", "-batch", "-"]
    subprocess.run(run, input=commands.encode(), check=True, timeout=10)


def namespace(program: str) -> subprocess.Popen[bytes]:
    """A process in a network namespace of its own, which is there when this returns."""
    command = ["unshare", "--net", "--kill-child", sys.executable, "-c", program]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def main(command: list[str]) -> int:
    """Build, run, and end what was started."""
    first = namespace("import time; print('up', flush=True); time.sleep(90)")
    second = namespace(SERVER)
    try:
        inside = {p: ["nsenter", "--target", str(p.pid), "--net"] for p in (first, second)}
        links = ["link add near0 type veth peer name near1", "link add far0 type veth peer name far1"]
        moves = [f"link set {name} netns {first.pid}" for name in ("near1", "far0")]
        ip("\n".join([*links, *moves, f"link set far1 netns {second.pid}"]), [])
        for commands, where in ((FIRST, inside[first]), (SECOND, inside[second]), (CLIENT, [])):
            ip(commands, where)
        for where in inside.values():
            subprocess.run([*where, *FORWARD.split()], check=True, timeout=10)
        wait_for_the_links()
        return subprocess.run(command, timeout=80, check=False).returncode
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def wait_for_the_links() -> None:
    """IPv6 needs a moment until both ends are up (neighbour discovery)."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with socket.socket(socket.AF_INET6) as probe:
            probe.settimeout(0.3)
            if probe.connect_ex(("fd00:8:15::1", 80)) == 0:
                return
    raise TimeoutError("the second router does not answer")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
