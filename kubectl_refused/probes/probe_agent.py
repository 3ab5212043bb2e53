"""The program that runs inside a probe pod: dials and looks up, and says who answered what.

It is passed whole to `python3 -c`, so it is one file of Python 3.7 and the standard library, and
imports nothing of ours. Requests are its arguments: `dial:HOST:PORT` (IPv6 in brackets), `lookup:NAME`,
`bulk:SPEAKS:HOST:PORT` and `settings:NODE`. It writes one line of JSON per request (`id` is the argument) and then
`{"end": true}`:

    dial    id, outcome, seconds, errno, source, icmp {type, code, offender, ttl} or null, tries, speaks,
            detail, http {status, server, said, error, source} or null; with --hops also rst_ttl or null; with
            --times also heard [[outcome, count], ...], and the rest is of the worst outcome
    lookup  id, outcome (accepted or unresolved), seconds, addresses, error
    bulk    id, ordinary [bytes, ...], whole, small [bytes, ...], small_whole, segment, late; error
    settings  id, and of the network namespace it is in those of SETTINGS and COUNTERS that could be read

Options come first: `--timeout SECONDS` of one dial, `--alarm SECONDS` for everything, `--hold SECONDS` to stay
afterwards, `--watch 1` to end at once when standard input ends, `--times N` to ask each dial up to 20 times,
`--guess 1` to ask a silent peer what it speaks.

Who refused (Linux): with IP_RECVERR the kernel keeps an ICMP error that arrived for the socket and
MSG_ERRQUEUE reads it, type, code and sender (ip(7), ipv6(7)); an RST leaves that queue empty. With IP_RECVTTL
the message also tells the TTL with which the ICMP packet arrived: how many routers ago it was sent. For an RST
`--hops 1` finds it out with more dials, each of which lets the kernel drop what arrives with less (IP_MINTTL):
an RST that passed no router is none of a server on another node.

The kernel limits the ICMP errors it sends to one client: six at once, then one a second (icmp_ratelimit in
the kernel's ip-sysctl documentation); half of that where an IPv4 route says no, since ip_error and icmp_send
both count it. A silent dial may so be a reject that was not said, so dials to one host are paced, and a silent
one is dialled again when all others are done, one by one; who rejects is asked again at that pace only.

What it speaks: read from what the peer says by itself. Not one byte is sent without --guess; with it, QUESTION
once, and POSTGRES once on a connection of its own when the peer hung up on the first. A Postgres without TLS is
then asked to let somebody in (LOG_IN): it says by the address whether it would want a password, and gets none.
What speaks plain HTTP is asked for its page (GET) on a connection of its own: a proxy that cannot reach the app
behind it says so in a page of 502, 503 or 504, and only such a page is told.

Whether large answers arrive (bulk): packets that are too large for the way and whose "fragmentation needed" gets
lost vanish, while handshakes and small answers pass (RFC 2923 2.1). A dial that announces a small MSS (tcp(7),
TCP_MAXSEG) is answered in small packets: what only then arrives whole, by turns twice, was lost by its size.
"""

from __future__ import annotations

import contextlib
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

# Level and option by family (linux/in.h, linux/in6.h); Python's socket module names none of them on all systems.
RECVTTL = {int(socket.AF_INET): (socket.IPPROTO_IP, 12), int(socket.AF_INET6): (socket.IPPROTO_IPV6, 51)}
MINTTL = {int(socket.AF_INET): (socket.IPPROTO_IP, 21), int(socket.AF_INET6): (socket.IPPROTO_IPV6, 73)}
RECVERR = {int(socket.AF_INET): (socket.IPPROTO_IP, 11), int(socket.AF_INET6): (socket.IPPROTO_IPV6, 25)}
ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0x2000)
ON_LINUX = sys.platform.startswith("linux")
NO_QUEUE = "no error queue on this system: who refused cannot be told"
PER_HOST = 4  # dials at once to one host
AT_ONCE = 200  # sockets at once; a container may have as few as 1024 files
AGAIN = 8  # silent dials that get a second, lone dial
AGAIN_EVERY = 1.1  # seconds between those: by then the kernel may send one more ICMP error
ROUTE_EVERY = 2.1  # the same where an IPv4 route may be what says no
LISTEN_AFTER = 0.15  # seconds to wait after an accept for a close or reset
MOST_TIMES = 20  # dials of one request
REPEAT_AFTER = 0.2  # seconds between the dials of one request: a listener that comes and goes does so in time
REJECTS_FOR = 10.0  # seconds for repeating rejected dials, which cannot go faster than AGAIN_EVERY
# RSTs start with 64 in Linux; one more than that tells that it was another system's, which is left open.
RST_TTLS = range(58, 66)
RST_WITHIN = 0.2  # seconds, and four times what the first RST took
LOOKUPS_AT_ONCE = 8
LOOKUP_TIMEOUT = 12.0  # seconds; glibc tries each server twice for 5 s
NUMERIC = socket.AI_NUMERICHOST
UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH)
# "Administratively prohibited" is somebody's word, unlike a missing route (RFC 1812 5.2.7.1, RFC 4443 3.1).
PROHIBITED = {(3, 9), (3, 10), (3, 13), (1, 1), (1, 5), (1, 6)}

# A TLS record with a client's hello that breaks off, of 13 bytes. TLS servers answer it with an alert (to plain
# text OpenSSL and Go say nothing, and nginx answers it in plain HTTP on a TLS port too). Its version's second
# byte, which nobody checks in a first record, is a line's end: Redis, memcached and HTTP servers take what is
# before it for a bad command and say so in their words. The end is an HTTP request's end.
QUESTION = b"\x16\x03\n\x00\x08\x01\x00\x00\x04\r\n\r\n"
POSTGRES = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # SSLRequest, answered with S or N
# StartupMessage of protocol 3.0 (postgresql.org, 55.7): a user and a database that every server has.
LOG_IN = b"\0\0\0)\0\3\0\0user\0postgres\0database\0postgres\0\0"
ANSWER_WITHIN = 0.5  # seconds
GET = "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: kubectl-refused\r\nConnection: close\r\n\r\n"
PAGE_WITHIN = 4.0  # seconds: HAProxy dials a server that refuses three times more, one second apart
MOST_PAGE = 2048  # bytes of it with its header
MOST_BYTES = 1024  # of an answer
BULK_SILENCE = 2.0  # seconds without a byte, after which an answer counts as stuck
BULK_MOST = 16384  # bytes of an answer that count as all of it
BULK_SEGMENT = 536  # what every way carries (RFC 9293 3.7.1)
BULKS = ("http", "tls")  # whose answers are long enough as a rule
SETTINGS = (
    ("forwards", "net/ipv4/ip_forward"),
    ("forwards_v6", "net/ipv6/conf/all/forwarding"),
    ("bridged", "net/bridge/bridge-nf-call-iptables"),
    ("liberal", "net/netfilter/nf_conntrack_tcp_be_liberal"),
    ("tracked", "net/netfilter/nf_conntrack_count"),
    ("most", "net/netfilter/nf_conntrack_max"),
)
COUNTERS = (("dropped", "drop"), ("invalid", "invalid"))  # columns of /proc/net/stat/nf_conntrack, one line a CPU
CONNECT, LISTEN, ASK, CONNECT_AGAIN, ASK_AGAIN, ASK_IN, CONNECT_GET, ASK_GET = range(8)  # phases of a dial
ROUTE_ERRORS = ((3, 0), (3, 1), (3, 13))  # what ip_error of net/ipv4/route.c sends
# What a server says first: RFC 4253 4.2, RFC 6143 7.1.1, RFC 3501 7.1, RFC 1939 4, RFC 854, NATS, AMQP 0-9-1
# 4.2.2, rsync, Redis (its errors), memcached (protocol.txt), MySQL X.
GREETINGS = (
    (b"SSH-", "ssh"),
    (b"RFB ", "vnc"),
    (b"* OK", "imap"),
    (b"* BYE", "imap"),
    (b"* PREAUTH", "imap"),
    (b"+OK", "pop3"),
    (b"INFO {", "nats"),
    (b"AMQP", "amqp"),
    (b"@RSYNCD:", "rsync"),
    (b"+PONG", "redis"),
    (b"-NOAUTH", "redis"),
    (b"-DENIED", "redis"),
    (b"-LOADING", "redis"),
    (b"-ERR", "redis"),
    (b"ERROR\r\n", "memcached"),
    (b"CLIENT_ERROR", "memcached"),
    (b"\x05\0\0\0\x0b", "mysql"),
    (b"\xff\xfb", "telnet"),
    (b"\xff\xfc", "telnet"),
    (b"\xff\xfd", "telnet"),
    (b"\xff\xfe", "telnet"),
)
# Servers that know TLS was meant and say so in plain HTTP: Go, nginx, Apache.
MEANT_TLS = ("to an HTTPS server", "to HTTPS port", "SSL-enabled server port")
# What speaks for a request of several dials.
WORST_FIRST = ("refused", "rejected", "timeout", "unreachable", "unresolved", "denied", "reset", "accepted")

write_lock = threading.Lock()
found: dict[str, Any] = {}  # name: (addresses, error, seconds)


def write(line: dict[str, Any]) -> None:
    """One line of JSON to stdout at once, whichever thread has it."""
    with write_lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def spoken(said: bytes) -> tuple[str, str]:
    """(protocol, what is worth telling) of a peer's first bytes; ("", "") when nobody knows."""
    text = "".join(char if " " <= char <= "~" else " " for char in said.decode("latin-1"))
    if said[:2] in (b"\x15\x03", b"\x16\x03") and len(said) > 4:
        return "tls", ""
    if said.startswith(b"HTTP/"):
        meant_tls = any(words in text for words in MEANT_TLS)
        status = said.split(b"\r")[0].split(b"\n")[0]
        return ("tls" if meant_tls else "http"), "answered " + text[: min(len(status), 80)]
    if said[:80].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "http", "answered without a status line"
    for start, word in GREETINGS:
        if said.startswith(start):
            known = word != "redis" or said.startswith((b"+", b"-ERR unknown command"))  # the answers to QUESTION
            return word, "" if known else "said " + text[:120].strip()
    return mail_or_files(said[:4], text) or framed(said, text)


def place(host: str, port: int) -> str:
    """HOST:PORT, with brackets round an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def page(said: bytes) -> Any:
    """What a proxy's own page says and who sent it, of an HTTP answer's first bytes; None unless it is HTTP."""
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if not lines[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit() or len(words[1]) != 3:
        return None
    named = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
    if "chunked" in named.get("transfer-encoding", ""):
        body = body.partition(b"\r\n")[2]
    told = {"status": int(words[1]), "server": named.get("server", "")}
    if words[1] in ("502", "503", "504"):
        told["said"] = body[:600].decode("utf-8", "replace")
        told["error"] = named.get("l5d-proxy-error", "")
    return told


def mail_or_files(code: bytes, text: str) -> tuple[str, str] | None:
    """SMTP and FTP greet alike (RFC 5321 4.2, RFC 959 4.2): only the words tell which."""
    if code[:3] not in (b"220", b"421", b"554") or code[3:] not in (b" ", b"-"):
        return None
    words = text.lower()
    word = "smtp" if "smtp" in words or "mail" in words else "ftp" if "ftp" in words else ""
    return word, f"greeted with {text[:80].strip()}" if code[:3] != b"220" or not word else ""


def framed(said: bytes, text: str) -> tuple[str, str]:
    """Binary protocols: MySQL (its HandshakeV10 and ERR_Packet), HTTP/2 (RFC 9113 6.5), Cassandra, Postgres."""
    if len(said) > 8 and said[3] == 0 and int.from_bytes(said[:3], "little") < 1024:
        if said[4] == 10 and said[5:6].isdigit():
            return "mysql", ""
        number = int.from_bytes(said[5:7], "little")
        if said[4] == 255 and 1000 <= number < 6000:
            return "mysql", f"said error {number}: {text[7:150].strip()}"
    if len(said) > 8 and said[0] == 0 and said[2] % 6 == 0 and said[3] == 4 and not any(said[5:9]):
        return "http2", ""
    if said[:1] == b"E" and b"FATAL" in said:
        start = max(5, said.find(b"\0M") + 2)  # the message among the fields, each with a zero behind it
        return "postgres", "said " + text[start : said.find(0, start)][:150].strip()
    if len(said) > 8 and 0x81 <= said[0] <= 0x86 and b"protocol version" in said:
        return "cassandra", ""
    return "", ""


class Question:
    """One request to dial, its dials, and what becomes of them. `lone` is the second dial of a silent one."""

    def __init__(self, request: str, guess: bool = False) -> None:
        self.request = request
        self.host, _, port = request[len("dial:") :].rpartition(":")
        self.host = self.host.strip("[]")
        self.port = int(port)
        self.guess = guess  # until it was asked
        self.dials: list[Dial] = []
        self.lone: Any = None
        self.rst: Any = None  # the minimal TTLs that its RST met, where they were measured

    def dial(self) -> Dial:
        """One dial more."""
        self.dials.append(Dial(self))
        return self.dials[-1]

    def alone(self) -> Dial:
        """The second dial, for a silence that may be the ICMP limit's."""
        self.lone = Dial(self)
        return self.lone  # type: ignore[no-any-return]

    def lane(self) -> str:
        """Who answered with ICMP, empty when nobody did: dials that one router rejects share its limit."""
        for dial in [*self.dials, self.lone]:
            if dial and dial.icmp and dial.outcome != "timeout":
                return str(dial.icmp["offender"])
        return ""

    def worth_more(self) -> bool:
        """Whether repeating it tells more: not where there is no address, nor where a silence may be a reject."""
        first = self.dials[0].outcome
        return first not in ("", "unresolved", "timeout") or bool(self.lone and self.lone.done())

    def pace(self) -> float:
        """Seconds from one of its dials to the next in which the kernel may send one more ICMP error."""
        kinds = [(dial.icmp["type"], dial.icmp["code"]) for dial in self.dials if dial.icmp]
        return ROUTE_EVERY if any(kind in ROUTE_ERRORS for kind in kinds) else AGAIN_EVERY

    def counted(self) -> list[Dial]:
        """The dials that count. A silence does not where ICMP answers: there the limit explains it."""
        dials = [dial for dial in self.dials if dial.done()]
        spoken_for = self.lone and self.lone.done() and (len(self.dials) == 1 or self.lane())
        if spoken_for or self.lane():
            dials = [dial for dial in dials if dial.outcome != "timeout"]
        if spoken_for:
            dials.append(self.lone)
        return dials or self.dials[:1]

    def rst_ttl(self) -> Any:
        """The TTL of its RST; None where the dials contradict each other or it is out of the range."""
        whole = self.rst and self.rst == set(range(RST_TTLS[0], max(self.rst) + 1))
        return max(self.rst) if whole and RST_TTLS[-1] not in self.rst else None

    def line(self, times: int) -> dict[str, Any]:
        """What is written about it."""
        counted = self.counted()
        outcomes = [dial.outcome or "untried" for dial in counted]
        order = [*WORST_FIRST[:-1], "untried", "accepted"]
        worst = counted[outcomes.index(min(outcomes, key=order.index))]
        line = worst.line()
        if worst is self.lone or (line["outcome"] == "timeout" and self.lone and self.lone.done()):
            line["tries"] = 2
        if self.rst is not None:
            line["rst_ttl"] = self.rst_ttl()
        if not line["speaks"]:
            line["speaks"] = next((dial.speaks for dial in counted if dial.speaks), "")
            line["http"] = next((dial.http for dial in counted if dial.http), None)
        if times > 1:
            line["heard"] = [[outcome, outcomes.count(outcome)] for outcome in order if outcome in outcomes]
        return line


class Dial:
    """One connection and, after it ended, its result."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.sock: Any = None
        self.address: Any = None
        self.family = self.phase = CONNECT
        self.outcome = self.errno = self.source = self.detail = self.speaks = ""
        self.icmp: Any = None
        self.http: Any = None
        self.origin = ""  # of the request
        self.got = b""  # of the page
        self.seconds = self.started = self.ends = 0.0
        self.cut = False  # ended before its time

    def line(self) -> dict[str, Any]:
        """What is written about it."""
        return {
            "id": self.question.request,
            "outcome": self.outcome or "untried",
            "seconds": round(self.seconds, 6),
            "errno": self.errno,
            "source": self.source,
            "icmp": self.icmp,
            "tries": 1,
            "speaks": self.speaks,
            "http": self.http,
            "detail": self.detail or ("" if self.outcome else "the time for all dials was over"),
        }

    def done(self) -> bool:
        """Whether it had its time."""
        return bool(self.outcome) and not self.cut

    def start(self, timeout: float) -> bool:
        """Begin to connect; False when it ended at once."""
        self.started = time.monotonic()
        self.ends = self.started + timeout
        host, error = resolved(self.question.host)
        if error:
            return self.end("unresolved", 0, error)
        try:
            found_here = socket.getaddrinfo(host, self.question.port, 0, socket.SOCK_STREAM, 0, NUMERIC)
            self.family, _, _, _, self.address = found_here[0]
            code = self.connect()
            self.source = self.sock.getsockname()[0]
        except OSError as problem:
            code = problem.errno or errno.EIO
        if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            return True
        self.fail(code)
        return False

    def connect(self) -> int:
        """A new socket on its way; the errno of connect(2)."""
        self.sock = socket.socket(self.family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.listen_for_icmp(self.family)
        return int(self.sock.connect_ex(self.address))

    def listen_for_icmp(self, family: int) -> None:
        if not ON_LINUX:
            self.detail = NO_QUEUE
            return
        try:
            self.sock.setsockopt(*RECVERR[family], 1)
        except OSError:
            self.detail = NO_QUEUE  # sandboxes such as gVisor lack it
            return
        with contextlib.suppress(OSError):  # a hint only
            self.sock.setsockopt(*RECVTTL[family], 1)

    def end(self, outcome: str, code: int = 0, detail: str = "") -> bool:
        """Note how it ended and close; False for `start`."""
        self.outcome = outcome
        self.errno = errno.errorcode.get(code, "") if code > 0 else ""
        self.detail = "; ".join(part for part in (detail, self.detail) if part)
        if self.phase == CONNECT:
            self.seconds = time.monotonic() - self.started
        self.close()
        return False

    def close(self) -> None:
        """Let go of the socket, if there is one."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def read_queue(self) -> int:
        """Take the ICMP errors that arrived; the errno of the last, 0 without any."""
        code = 0
        for _ in range(8):
            try:
                _, ancillary, _, _ = self.sock.recvmsg(512, 512, ERRQUEUE)
            except (OSError, AttributeError):
                break
            ttl = None
            for level, kind, data in ancillary:
                # The option's own number or that of IP_TTL and IPV6_HOPLIMIT (ip_cmsg_recv_ttl in the kernel).
                if (level, kind) in ((socket.IPPROTO_IP, 2), (socket.IPPROTO_IPV6, 52)) and len(data) >= 4:
                    ttl = struct.unpack_from("=i", data)[0]
                else:
                    code = self.note_icmp(data) or code
            if self.icmp and ttl is not None:
                self.icmp["ttl"] = ttl
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
            self.icmp = {"type": kind, "code": icmp_code, "offender": offender, "ttl": None}
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
        if self.phase == ASK_GET:
            return self.read_page()
        if self.phase in (LISTEN, ASK, ASK_AGAIN, ASK_IN):
            return self.answered()
        # SO_ERROR first: reading the queue clears the socket's error (sock_dequeue_err_skb).
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if self.phase == CONNECT_AGAIN:
            return not self.ask(POSTGRES, ASK_AGAIN)
        if self.phase == CONNECT_GET:
            self.origin = place(*self.sock.getsockname()[:2])
            return not self.ask(
                (GET % place(self.question.host, self.question.port)).encode(), ASK_GET, PAGE_WITHIN
            )
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
        self.seconds = time.monotonic() - self.started
        self.phase = LISTEN
        self.ends = time.monotonic() + LISTEN_AFTER
        return False

    def answered(self) -> bool:
        """The peer said something after its accept: bytes are fine, an end or a reset is a finding."""
        try:
            said = self.sock.recv(MOST_BYTES)
            how, code = "closed", 0
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as problem:
            said, how, code = b"", "reset", problem.errno or 0
        if said == b"N" and self.phase == ASK_AGAIN:
            self.speaks = "postgres"
            return not self.ask(LOG_IN, ASK_IN)
        if said:
            self.understand(said)
            if self.phase == ASK and self.speaks == "http":
                return not self.connect_again(CONNECT_GET)
            self.end("accepted")
        elif self.phase == LISTEN:
            after = (time.monotonic() - self.started - self.seconds) * 1000
            self.end("reset", code, f"accepted, then {how} after {after:.0f} ms, before any byte was sent")
        elif self.phase == ASK_IN:
            self.end("accepted")
        elif self.phase == ASK:
            return not self.connect_again(CONNECT_AGAIN)
        else:
            self.end("accepted", 0, "it closed without a word when asked what it speaks")
        return True

    def understand(self, said: bytes) -> None:
        """Note what the peer speaks, and its words where they say more."""
        if self.phase == ASK_AGAIN and said == b"S":
            self.speaks = "postgres"
            return
        speaks, words = spoken(said)
        self.speaks = speaks or self.speaks
        self.detail = "; ".join(part for part in (words, self.detail) if part)

    def read_page(self) -> bool:
        """Take what comes of a page, until it ends or is enough; True when the dial ended."""
        try:
            said = self.sock.recv(MOST_PAGE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            said = b""
        self.got += said
        self.http = page(self.got)
        if self.http:
            self.http["source"] = self.origin
        if said and len(self.got) < MOST_PAGE and (self.http is None or self.http["status"] in (502, 503, 504)):
            return False
        self.end("accepted")
        return True

    def ask(self, question: bytes, phase: int, within: float = ANSWER_WITHIN) -> bool:
        """Send one of the questions, the only bytes this program ever sends; False when the dial ended."""
        self.phase = phase
        self.ends = time.monotonic() + within
        try:
            self.sock.send(question)
        except OSError:
            return self.end("accepted", 0, self.mute())
        return True

    def connect_again(self, phase: int) -> bool:
        """Connect once more, for a question on a connection of its own; False when the dial ended."""
        self.close()
        self.phase = phase
        self.ends = time.monotonic() + ANSWER_WITHIN
        try:
            if self.connect() in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
                return True
        except OSError:
            pass
        return self.end("accepted", 0, self.mute())

    def mute(self) -> str:
        """What is told of a peer that hung up on a question."""
        return "" if self.speaks else "it closed without a word when asked what it speaks"

    def expire(self) -> bool:
        """Its time, or that of its phase, is over; True when the dial ended."""
        if self.phase == CONNECT:
            self.read_queue()
            self.end("timeout", errno.ETIMEDOUT)
            return True
        if self.phase == LISTEN and self.question.guess:
            self.question.guess = False
            return not self.ask(QUESTION, ASK)
        mute = self.phase not in (LISTEN, ASK_IN, CONNECT_GET, ASK_GET)
        self.end("accepted", 0, "it said nothing when asked what it speaks" if mute else "")
        return True

    def give_up(self) -> None:
        """The time for all dials is over: not to be believed as one that had its own."""
        self.cut = self.phase == CONNECT
        self.question.guess = False
        self.expire()


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


def write_settings(request: str) -> None:
    """Say how the kernel is set for the network namespace this runs in; everybody may read that."""
    line: dict[str, Any] = {"id": request}
    for name, path in SETTINGS:
        with contextlib.suppress(OSError, ValueError), open("/proc/sys/" + path) as file:
            line[name] = int(file.read(32))
    with contextlib.suppress(OSError, ValueError), open("/proc/net/stat/nf_conntrack") as file:
        columns = file.readline().split()
        rows = [row.split() for row in file.readlines(1 << 20)]
        for name, column in COUNTERS:
            if column in columns:
                line[name] = sum(int(row[columns.index(column)], 16) for row in rows if len(row) == len(columns))
    write(line)


class Hello:
    """A TLS client without a socket: what it says, and whether what it heard completes the handshake."""

    def __init__(self) -> None:
        import ssl  # 40 ms, and some images lack it

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.heard, self.said = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.problem, self.more = ssl.SSLError, ssl.SSLWantReadError
        self.client = context.wrap_bio(self.heard, self.said)

    def done(self, heard: bytes) -> bool:
        """Whether the handshake is over, well or not."""
        self.heard.write(heard)
        try:
            self.client.do_handshake()
        except self.more:
            return False
        except self.problem:
            pass
        return True


def haul(host: str, port: int, speaks: str, segment: int) -> tuple[int, bool, int]:
    """(bytes, whether all came, pieces out of order) of one answer; `segment` is the MSS to announce, or 0."""
    found_here = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, NUMERIC)[0]
    hello = Hello() if speaks == "tls" else None
    with socket.socket(found_here[0], socket.SOCK_STREAM) as sock:
        if segment:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        sock.settimeout(BULK_SILENCE)
        sock.connect(found_here[4])
        if hello:
            hello.done(b"")
            sock.sendall(hello.said.read())
        else:
            name = f"[{host}]" if ":" in host else host
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        got, whole, until = 0, False, time.monotonic() + 3 * BULK_SILENCE
        while not whole and time.monotonic() < until:
            try:
                said = sock.recv(BULK_MOST)
            except socket.timeout:  # noqa: UP041  # the same only since Python 3.10
                break
            except OSError:  # a reset is an end as well
                said = b""
            got += len(said)
            whole = not said or got >= BULK_MOST or bool(hello and hello.done(said))
            if hello and not whole:
                sock.sendall(hello.said.read())
        return got, whole, out_of_order(sock)


def out_of_order(sock: Any) -> int:
    """How many pieces arrived before one that they follow: tcpi_rcv_ooopack (linux/tcp.h, since 5.4); 0 untold."""
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, 11, 228)
    except OSError:
        return 0
    return int(struct.unpack_from("=I", told, 224)[0]) if ON_LINUX and len(told) >= 228 else 0


def weigh(request: str) -> None:
    """Ask for one large answer, and where it gets stuck by turns with a small MSS and as usual; say what came."""
    _, speaks, place = request.split(":", 2)
    host, _, port = place.rpartition(":")
    ordinary: list[Any] = []
    small: list[Any] = []
    late, error = 0, ""
    try:
        while len(ordinary) < 2:
            ordinary.append(haul(host.strip("[]"), int(port), speaks, 0))
            late = max(late, ordinary[-1][2])
            if ordinary[-1][1]:
                break
            small.append(haul(host.strip("[]"), int(port), speaks, BULK_SEGMENT))
            if not small[-1][1]:
                break
    except (OSError, ImportError, ValueError) as problem:
        error = str(problem) or type(problem).__name__
    line = {"id": request, "segment": BULK_SEGMENT, "late": late, "error": error}
    line["ordinary"], line["small"] = [one[0] for one in ordinary], [one[0] for one in small]
    line["whole"], line["small_whole"] = bool(ordinary and ordinary[-1][1]), bool(small and small[-1][1])
    write(line)


def start_weighing(words: list[str]) -> list[threading.Thread]:
    """Each answer in a thread of its own, as they block; few are asked for."""
    threads = [threading.Thread(target=weigh, args=(word,), daemon=True) for word in words[:AGAIN]]
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
    """Many dials by one thread; with `every`, one by one and that many seconds apart, in each lane."""

    def __init__(self, dials: list[Dial], timeout: float, until: float, every: float = 0.0) -> None:
        self.first = time.monotonic() + every  # before it the dials of the round before may have used the limit up
        self.waiting, self.timeout, self.until, self.every = list(dials), timeout, until, every
        self.selector = selectors.DefaultSelector()
        self.going: set[Dial] = set()
        self.busy: dict[str, int] = {}
        self.next_start: dict[str, float] = {}  # by lane

    def run(self) -> None:
        """Dial them all; those not begun by `until` stay untried."""
        while (self.waiting or self.going) and time.monotonic() < self.until:
            self.start_some()
            self.step()
        for dial in list(self.going):
            self.leave(dial)
            dial.give_up()
        self.selector.close()

    def start_some(self) -> None:
        """Begin every dial that the limits let begin."""
        for dial in list(self.waiting):
            if len(self.going) >= AT_ONCE:
                return
            if self.busy.get(dial.question.host, 0) >= PER_HOST:
                continue
            if self.every:
                lane = dial.question.lane()
                if time.monotonic() < self.next_start.get(lane, self.first):
                    continue
                self.next_start[lane] = time.monotonic() + max(self.every, dial.question.pace())
            self.waiting.remove(dial)
            if dial.start(self.timeout):
                self.go_on(dial)

    def go_on(self, dial: Dial) -> None:
        """Wait for its socket: to be connected, or to say something."""
        self.going.add(dial)
        host = dial.question.host
        self.busy[host] = self.busy.get(host, 0) + 1
        connecting = dial.phase in (CONNECT, CONNECT_AGAIN, CONNECT_GET)
        self.selector.register(dial.sock, selectors.EVENT_WRITE if connecting else selectors.EVENT_READ, dial)

    def leave(self, dial: Dial) -> None:
        """It is over, or about to be."""
        self.selector.unregister(dial.sock)
        self.going.discard(dial)
        self.busy[dial.question.host] -= 1

    def step(self) -> None:
        """Wait for a socket or the next deadline, then settle every dial that has something to say."""
        ends = [dial.ends for dial in self.going] + [self.until]
        paced = bool(self.waiting and self.every)
        if paced:
            ends += [self.next_start.get(dial.question.lane(), self.first) for dial in self.waiting]
        pause = max(0.01 if paced else 0.0, min(ends) - time.monotonic())
        if not self.going:  # nothing to select on, which some systems refuse
            time.sleep(pause if paced else 0.0)
            return
        for key, _ in self.selector.select(pause):
            self.settle(key.data, key.data.ready)
        for dial in [dial for dial in self.going if time.monotonic() >= dial.ends]:
            self.settle(dial, dial.expire)

    def settle(self, dial: Dial, look: Any) -> None:
        """Let a dial look at its socket or its clock, and go on with it if it did not end."""
        self.leave(dial)
        if not look():
            self.go_on(dial)


def dial_all(questions: list[Question], times: int, timeout: float, until: float, hops: bool) -> None:
    """Dial, dial the silent again, repeat what is to be repeated; each is written when it is certain."""
    Round([question.dial() for question in questions], timeout, until).run()
    if hops and ON_LINUX:
        measure_rsts(questions, until)
    again = [question for question in questions if question.dials[0].outcome == "timeout"][:AGAIN]
    written = [question for question in questions if times == 1 and question not in again]
    for question in written:
        write(question.line(times))
    dial_alone(again, questions, timeout, until)
    if times > 1:
        repeat(questions, times - 1, timeout, until)
    for question in questions:
        if question not in written:
            write(question.line(times))


def measure_rsts(questions: list[Question], until: float) -> None:
    """Dial again whoever sent an RST, with every minimal TTL at once (ip(7), ipv6(7)), and note which it met."""
    selector = selectors.DefaultSelector()
    refused = [q for q in questions if q.dials[0].outcome == "refused" and q.dials[0].family in MINTTL][:AGAIN]
    slowest = max([question.dials[0].seconds for question in refused], default=0.0)
    until = min(until, time.monotonic() + max(RST_WITHIN, 4 * slowest))
    for question in refused:
        question.rst = set()
        for ttl in RST_TTLS:
            dial_with_least(question, ttl, selector)
    while selector.get_map() and time.monotonic() < until:
        for key, _ in selector.select(max(0.0, until - time.monotonic())):
            sock: Any = key.fileobj
            question, ttl = key.data
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED:
                question.rst.add(ttl)
            selector.unregister(sock)
            sock.close()
    for left in [key.fileobj for key in selector.get_map().values()]:
        left.close()  # type: ignore[union-attr]
    selector.close()


def dial_with_least(question: Question, ttl: int, selector: selectors.BaseSelector) -> None:
    """Dial so that the kernel drops what arrives with a smaller TTL."""
    first = question.dials[0]
    sock = socket.socket(first.family, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.setsockopt(*MINTTL[first.family], ttl)
        sock.connect_ex(first.address)
        selector.register(sock, selectors.EVENT_WRITE, (question, ttl))
    except OSError:
        sock.close()


def dial_alone(silent: list[Question], among: list[Question], timeout: float, until: float) -> None:
    """A second dial to each silent one, when nothing else is dialled; whoever rejected any may be behind it."""
    if silent:
        Round([question.alone() for question in silent], timeout, until, max(q.pace() for q in among)).run()


def repeat(questions: list[Question], more: int, timeout: float, until: float) -> None:
    """Dial all again some times; whom ICMP answers only as fast as the kernel may send it."""
    limited = [question for question in questions if question.lane()]
    quick = [question for question in questions if question not in limited and question.worth_more()]
    for _ in range(more if quick else 0):
        time.sleep(max(0.0, min(REPEAT_AFTER, until - time.monotonic())))
        Round([question.dial() for question in quick], timeout, until).run()
    silent = [q for q in quick if not q.lone and any(dial.outcome == "timeout" for dial in q.dials)][:AGAIN]
    dial_alone(silent, questions, timeout, until)
    if limited:
        paced = [question.dial() for _ in range(more) for question in limited]
        Round(paced, timeout, min(until, time.monotonic() + REJECTS_FOR), AGAIN_EVERY).run()


def leave(*_: Any) -> None:
    """The alarm rang, or the pod is to go. Process 1 has no default action for signals, so this is needed."""
    os._exit(0)


def leave_with_input() -> None:
    """Whoever waits for the answers holds the input open: its end is the end of the stream."""
    with contextlib.suppress(OSError, ValueError):
        while sys.stdin.buffer.read(1):
            pass
    os._exit(0)


def options_of(words: list[str]) -> tuple[dict[str, float], list[str]]:
    """The options before the questions, and the questions."""
    options = {
        "--timeout": 4.0,
        "--alarm": 60.0,
        "--hold": 0.0,
        "--times": 1.0,
        "--guess": 0.0,
        "--settle": 0.0,
        "--hops": 0.0,
        "--watch": 0.0,
    }
    while words and words[0] in options:
        options[words[0]] = float(words[1])
        words = words[2:]
    return options, words


def end_in_time(longest: float, watch: bool) -> None:
    """Leave by an alarm, by a signal, or with the input of whoever waits for the answers."""
    for name in ("SIGALRM", "SIGTERM", "SIGINT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)
    if hasattr(signal, "alarm"):
        signal.alarm(int(longest) + 1)
    if watch:
        threading.Thread(target=leave_with_input, daemon=True).start()


def answer_all(words: list[str], options: dict[str, float], until: float) -> None:
    """Names are looked up while addresses are dialled; what has a name is dialled after that."""
    times = max(1, min(MOST_TIMES, int(options["--times"])))
    questions = [Question(word, options["--guess"] > 0) for word in words if word.startswith("dial:")]
    lookups = [word for word in words if word.startswith("lookup:")]
    named = [question for question in questions if not numeric(question.host)]
    unnamed = [question for question in questions if question not in named]
    looked = time.monotonic() + LOOKUP_TIMEOUT
    threads = start_lookups([word[len("lookup:") :] for word in lookups] + [question.host for question in named])
    dial_all(unnamed, times, options["--timeout"], until, options["--hops"] > 0)
    join_all(threads, min(until, looked))  # dials that time out have used it up
    for word in lookups:
        write_lookup(word)
    dial_all(named, times, options["--timeout"], until, options["--hops"] > 0)
    for word in words:
        if word.startswith("settings:"):
            write_settings(word)
    join_all(start_weighing([word for word in words if word.startswith("bulk:")]), until)


def join_all(threads: list[threading.Thread], until: float) -> None:
    """Wait for them, all together until then."""
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def main(words: list[str]) -> None:
    """Do what the arguments ask within `--alarm` seconds, then stay for `--hold` seconds."""
    options, words = options_of(words)
    end_in_time(options["--alarm"] + options["--hold"], options["--watch"] > 0)
    # A new pod is judged by policies only some time after its start, and not before it has an address.
    time.sleep(options["--settle"])
    answer_all(words, options, time.monotonic() + options["--alarm"] - options["--settle"] - 1.0)
    write({"end": True})
    if options["--hold"]:
        time.sleep(options["--hold"])
    os._exit(0)  # a lookup may still hang in its thread


if __name__ == "__main__":
    main(sys.argv[1:])
