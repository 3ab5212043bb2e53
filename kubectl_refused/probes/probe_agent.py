"""The program that runs inside a probe pod: dials and looks up, and says who answered what.

It is passed whole to `python3 -c`, so it is one file of Python 3.7 and the standard library, and
imports nothing of ours. Requests are its arguments: `dial:HOST:PORT` (IPv6 in brackets) and
`lookup:NAME`. It writes one line of JSON per request (`id` is the argument) and then `{"end": true}`:

    dial    id, outcome, seconds, errno, source, icmp {type, code, offender} or null, tries, detail
    lookup  id, outcome (accepted or unresolved), seconds, addresses, error

Who refused (Linux): with IP_RECVERR the kernel keeps an ICMP error that arrived for the socket and
MSG_ERRQUEUE reads it, type, code and sender (ip(7), ipv6(7)); an RST leaves that queue empty.

The kernel limits the ICMP errors it sends to one client: six at once, then one a second (icmp_ratelimit in
the kernel's ip-sysctl documentation). A silent dial may so be a reject that was not said, so dials to one
host are paced, and a silent one is dialled again when all others are done, one a second.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import time
from typing import Any

# Level and option by family (linux/in.h, linux/in6.h); Python's socket module names neither option.
RECVERR = {int(socket.AF_INET): (socket.IPPROTO_IP, 11), int(socket.AF_INET6): (socket.IPPROTO_IPV6, 25)}
ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0x2000)
ON_LINUX = sys.platform.startswith("linux")
NO_QUEUE = "no error queue on this system: who refused cannot be told"
PER_HOST = 4  # dials at once to one host
AT_ONCE = 200  # sockets at once; a container may have as few as 1024 files
AGAIN = 8  # silent dials that get a second, lone dial
AGAIN_EVERY = 1.1  # seconds between those: by then the kernel may send one more ICMP error
LISTEN_AFTER = 0.15  # seconds to wait after an accept for a close or reset
LOOKUPS_AT_ONCE = 8
LOOKUP_TIMEOUT = 12.0  # seconds; glibc tries each server twice for 5 s
NUMERIC = socket.AI_NUMERICHOST
UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH)
# "Administratively prohibited" is somebody's word, unlike a missing route (RFC 1812 5.2.7.1, RFC 4443 3.1).
PROHIBITED = {(3, 9), (3, 10), (3, 13), (1, 1), (1, 5), (1, 6)}

write_lock = threading.Lock()
found: dict[str, Any] = {}  # name: (addresses, error, seconds)


def write(line: dict[str, Any]) -> None:
    """One line of JSON to stdout at once, whichever thread has it."""
    with write_lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


class Dial:
    """One request to dial and, after it ended, its result."""

    def __init__(self, request: str) -> None:
        self.request = request
        self.host, _, port = request[len("dial:") :].rpartition(":")
        self.host = self.host.strip("[]")
        self.port = int(port)
        self.tries = 0
        self.sock: Any = None
        self.reset()

    def reset(self) -> None:
        self.outcome = self.errno = self.source = self.detail = ""
        self.icmp: Any = None
        self.seconds = self.started = self.ends = 0.0
        self.accepted = False

    def line(self) -> dict[str, Any]:
        """What is written about it."""
        return {
            "id": self.request,
            "outcome": self.outcome or "untried",
            "seconds": round(self.seconds, 6),
            "errno": self.errno,
            "source": self.source,
            "icmp": self.icmp,
            "tries": self.tries,
            "detail": self.detail or ("" if self.outcome else "the time for all dials was over"),
        }

    def start(self, timeout: float) -> bool:
        """Begin to connect; False when it ended at once."""
        self.reset()
        self.tries += 1
        self.started = time.monotonic()
        self.ends = self.started + timeout
        host, error = resolved(self.host)
        if error:
            return self.end("unresolved", 0, error)
        try:
            family, _, _, _, address = socket.getaddrinfo(host, self.port, 0, socket.SOCK_STREAM, 0, NUMERIC)[0]
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            self.sock.setblocking(False)
            self.listen_for_icmp(family)
            code = self.sock.connect_ex(address)
            self.source = self.sock.getsockname()[0]
        except OSError as problem:
            code = problem.errno or errno.EIO
        if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            return True
        self.fail(code)
        return False

    def listen_for_icmp(self, family: int) -> None:
        if not ON_LINUX:
            self.detail = NO_QUEUE
            return
        try:
            self.sock.setsockopt(*RECVERR[family], 1)
        except OSError:
            self.detail = NO_QUEUE  # sandboxes such as gVisor lack it

    def end(self, outcome: str, code: int = 0, detail: str = "") -> bool:
        """Note how it ended and close; False for `start`."""
        self.outcome = outcome
        self.errno = errno.errorcode.get(code, "") if code > 0 else ""
        self.detail = "; ".join(part for part in (detail, self.detail) if part)
        if not self.accepted:
            self.seconds = time.monotonic() - self.started
        if self.sock is not None:
            self.sock.close()
            self.sock = None
        return False

    def read_queue(self) -> int:
        """Take the ICMP errors that arrived; the errno of the last, 0 without any."""
        code = 0
        for _ in range(8):
            try:
                _, ancillary, _, _ = self.sock.recvmsg(512, 512, ERRQUEUE)
            except (OSError, AttributeError):
                break
            for _, _, data in ancillary:
                code = self.note_icmp(data) or code
        return code

    def note_icmp(self, data: bytes) -> int:
        """Decode struct sock_extended_err (linux/errqueue.h) with its offender; the errno it gives."""
        if len(data) < 24:
            return 0
        code, origin, kind, icmp_code = struct.unpack_from("=IBBB", data)
        if origin in (2, 3):  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
            offender = ""
            if origin == 2:
                offender = socket.inet_ntop(socket.AF_INET, data[20:24])
            elif len(data) >= 40:
                offender = socket.inet_ntop(socket.AF_INET6, data[24:40])
            self.icmp = {"type": kind, "code": icmp_code, "offender": offender}
        return int(code)

    def fail(self, code: int) -> None:
        """End with the error of connect(2); the ICMP beside it tells a reject from an RST."""
        if self.sock is not None and self.icmp is None:
            self.read_queue()
        detail = ""
        prohibited = self.icmp and (self.icmp["type"], self.icmp["code"]) in PROHIBITED
        if code == errno.ECONNREFUSED:
            outcome = "rejected" if self.icmp else "refused"
        elif prohibited:
            outcome = "rejected"
        elif code in (errno.EPERM, errno.EACCES):
            outcome = "denied"
        elif code == errno.ETIMEDOUT:
            outcome = "timeout"
        elif code in (errno.ECONNRESET, errno.EPIPE):
            # An RST to the SYN gives ECONNREFUSED (tcp_reset in the kernel), so this one came after the accept.
            outcome, detail = "reset", "accepted, then reset at once, before any byte was sent"
        else:  # EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EINVAL: no way there from here
            outcome, detail = "unreachable", "" if code in UNREACHABLE else os.strerror(code)
        self.end(outcome, code, detail)

    def ready(self) -> bool:
        """Look at a socket that has something to say; True when the dial ended."""
        if self.accepted:
            return self.after_accept()
        # SO_ERROR first: reading the queue clears the socket's error (sock_dequeue_err_skb).
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        queued = self.read_queue()
        if code:
            self.fail(code)
            return True
        try:
            self.sock.getpeername()
        except OSError:
            if queued and not alive(self.sock):
                self.fail(queued)
                return True
            return False  # an ICMP error that did not end the dial: go on waiting
        self.accepted = True
        self.seconds = time.monotonic() - self.started
        self.ends = time.monotonic() + LISTEN_AFTER
        return False

    def after_accept(self) -> bool:
        """The peer said something after its accept: bytes are fine, an end or a reset is a finding."""
        try:
            if self.sock.recv(1, socket.MSG_PEEK):
                self.end("accepted")
                return True
            how, code = "closed", 0
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as problem:
            how, code = "reset", problem.errno or 0
        after = (time.monotonic() - self.started - self.seconds) * 1000
        self.end("reset", code, f"accepted, then {how} after {after:.0f} ms, before any byte was sent")
        return True

    def expire(self) -> None:
        """Its time is over."""
        if self.accepted:
            self.end("accepted")
        else:
            self.read_queue()
            self.end("timeout", errno.ETIMEDOUT)


def alive(sock: Any) -> bool:
    """Whether a connect is still under way: byte 0 of TCP_INFO is the state, 2 is SYN_SENT."""
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, 11, 1)[0] == 2)
    except OSError:
        return False


def resolved(host: str) -> tuple[str, str]:
    """(address, "") of a host, or ("", error); names were looked up before."""
    if numeric(host):
        return host, ""
    addresses, error, _ = found.get(host, ([], "no answer in time", 0.0))
    return (addresses[0], "") if addresses else ("", error)


def numeric(host: str) -> bool:
    """Whether it is an address and no name."""
    try:
        return bool(socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM, 0, NUMERIC))
    except (OSError, UnicodeError):
        return False


def look_up(name: str) -> None:
    """Resolve a name as any program here does, into `found`."""
    started = time.monotonic()
    addresses: list[str] = []
    error = ""
    try:
        for entry in socket.getaddrinfo(name, None, 0, socket.SOCK_STREAM):
            if str(entry[4][0]) not in addresses:
                addresses.append(str(entry[4][0]))
    except socket.gaierror as problem:
        names = [key for key in dir(socket) if key.startswith("EAI_") and getattr(socket, key) == problem.errno]
        error = f"{names[0] if names else problem.errno}: {problem.strerror}"
    except (OSError, UnicodeError) as problem:
        error = str(problem)
    found[name] = (addresses, error, time.monotonic() - started)


def start_lookups(names: list[str]) -> list[threading.Thread]:
    """Look names up in a few threads, as getaddrinfo blocks."""
    waiting = sorted(set(names))

    def work() -> None:
        while waiting:
            try:
                look_up(waiting.pop(0))
            except IndexError:  # another thread took the last
                return

    threads = [threading.Thread(target=work, daemon=True) for _ in waiting[:LOOKUPS_AT_ONCE]]
    for thread in threads:
        thread.start()
    return threads


def write_lookup(request: str) -> None:
    """Say what became of one lookup."""
    addresses, error, seconds = found.get(request[len("lookup:") :], ([], "no answer in time", LOOKUP_TIMEOUT))
    outcome = "accepted" if addresses else "unresolved"
    answer = {"addresses": addresses, "seconds": round(seconds, 6), "error": error}
    write(dict(answer, id=request, outcome=outcome))


class Round:
    """Many dials by one thread. `every` starts them one by one, that many seconds apart."""

    def __init__(self, dials: list[Dial], timeout: float, until: float, every: float = 0.0) -> None:
        self.waiting, self.timeout, self.until, self.every = list(dials), timeout, until, every
        self.selector = selectors.DefaultSelector()
        self.going: set[Dial] = set()
        self.busy: dict[str, int] = {}
        self.next_start = 0.0

    def run(self) -> None:
        """Dial them all; those not begun by `until` stay untried."""
        while (self.waiting or self.going) and time.monotonic() < self.until:
            self.start_some()
            self.step()
        for dial in list(self.going):
            self.leave(dial)
            dial.expire()
            dial.tries = 1  # cut short: not to be believed as a second dial is
        self.selector.close()

    def start_some(self) -> None:
        """Begin every dial that the limits let begin."""
        for dial in list(self.waiting):
            if len(self.going) >= AT_ONCE or time.monotonic() < self.next_start:
                return
            if self.busy.get(dial.host, 0) >= PER_HOST:
                continue
            self.waiting.remove(dial)
            self.next_start = time.monotonic() + self.every
            if dial.start(self.timeout):
                self.going.add(dial)
                self.busy[dial.host] = self.busy.get(dial.host, 0) + 1
                self.selector.register(dial.sock, selectors.EVENT_WRITE, dial)

    def leave(self, dial: Dial) -> None:
        """It is over, or about to be."""
        self.selector.unregister(dial.sock)
        self.going.discard(dial)
        self.busy[dial.host] -= 1

    def step(self) -> None:
        """Wait for a socket or the next deadline, then settle every dial that ended."""
        ends = [dial.ends for dial in self.going] + [self.until]
        if self.waiting and self.every:
            ends.append(self.next_start)
        pause = max(0.0, min(ends) - time.monotonic())
        if not self.going:  # nothing to select on, which some systems refuse
            time.sleep(pause if self.every else 0.0)
            return
        for key, _ in self.selector.select(pause):
            self.settle(key.data)
        for dial in [dial for dial in self.going if time.monotonic() >= dial.ends]:
            self.leave(dial)
            dial.expire()

    def settle(self, dial: Dial) -> None:
        """Let a dial look at its socket; after an accept it waits for the peer's next word."""
        self.leave(dial)
        if not dial.ready():
            self.going.add(dial)
            self.busy[dial.host] += 1
            wanted = selectors.EVENT_READ if dial.accepted else selectors.EVENT_WRITE
            self.selector.register(dial.sock, wanted, dial)


def dial_all(dials: list[Dial], timeout: float, until: float) -> None:
    """Dial, write what is certain at once, dial the silent again, and write those."""
    Round(dials, timeout, until).run()
    silent = [dial for dial in dials if dial.outcome == "timeout"]
    again = silent[:AGAIN]
    for dial in dials:
        if dial not in again:
            write(dial.line())
    Round(again, timeout, until, AGAIN_EVERY).run()
    for dial in again:
        write(dial.line())


def leave(*_: Any) -> None:
    """The alarm rang, or the pod is to go. Process 1 has no default action for signals, so this is needed."""
    os._exit(0)


def main(words: list[str]) -> None:
    """Do what the arguments ask within `--alarm` seconds, then stay for `--hold` seconds."""
    options = {"--timeout": 4.0, "--alarm": 60.0, "--hold": 0.0}
    while words and words[0] in options:
        options[words[0]] = float(words[1])
        words = words[2:]
    for name in ("SIGALRM", "SIGTERM", "SIGINT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)
    if hasattr(signal, "alarm"):
        signal.alarm(int(options["--alarm"] + options["--hold"]) + 1)
    until = time.monotonic() + options["--alarm"] - 1.0
    dials = [Dial(word) for word in words if word.startswith("dial:")]
    lookups = [word for word in words if word.startswith("lookup:")]
    named = [dial for dial in dials if not numeric(dial.host)]
    threads = start_lookups([word[len("lookup:") :] for word in lookups] + [dial.host for dial in named])
    dial_all([dial for dial in dials if dial not in named], options["--timeout"], until)
    waited_until = min(until, time.monotonic() + LOOKUP_TIMEOUT)
    for thread in threads:
        thread.join(max(0.0, waited_until - time.monotonic()))
    for word in lookups:
        write_lookup(word)
    dial_all(named, options["--timeout"], until)
    write({"end": True})
    if options["--hold"]:
        time.sleep(options["--hold"])
    os._exit(0)  # a lookup may still hang in its thread


if __name__ == "__main__":
    main(sys.argv[1:])
