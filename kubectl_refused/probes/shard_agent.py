"""The part of the probe agent that dials thousands of places from one node, and says little where all is well.

It runs behind probe_agent.py in one program for `python3 -c` (Python 3.7, standard library): see
probe_agent_source.py. Its arguments are options and then a plan, packed by shard_plan.py. It writes

    a block   {"block": FIRST, "pass": N, "ms": MEAN, OUTCOME: BITS, ...}: of the BLOCK places from FIRST on those
              that ended so, a bit for each, the first place the lowest of the first byte; zlib, base 85
    a dial    as probe_agent.py does, of the first MOST_TOLD places that did not simply accept
    a lookup  as probe_agent.py does
    the end   {"end": true, "dialled": N, "seconds": S}

Options: `--timeout SECONDS` of a dial, `--seconds SECONDS` for all, `--rate N` dials a second, `--times N` passes,
`--settle SECONDS` before the first dial, `--shards N` that dial the same places: each begins at a place of its
own, so that no server meets all of them at once.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import os
import selectors
import sys
import time
import zlib
from typing import Any

from kubectl_refused.probes.probe_agent import (
    AGAIN,
    CONNECT,
    LISTEN,
    LOOKUP_TIMEOUT,
    PER_HOST,
    Dial,
    Question,
    dial_alone,
    end_in_time,
    join_all,
    measure_rsts,
    start_lookups,
    write,
    write_lookup,
)

BLOCK = 4096  # places that one line tells of
MOST_TOLD = 1000  # places of which more than the outcome is told: 300 KB of a log that is cut at 10 MB
FILES = 4096  # sockets at once, where the system lets us have so many files
SPARE = 64  # of those for everything else
MOST_PER_HOST = 64  # dials on their way at once to a host that is silent
BURST = 0.01  # seconds of dials that may be caught up with at once
# What this side runs out of: the dial was none, and is made again, more slowly.
SHORT_OF = ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EAGAIN")
MOST_SHORT = 200  # such dials, after which they count as they ended
BACK_OFF = 0.2  # seconds
LOOKUPS_A_SECOND = 100


def unpacked(words: list[str]) -> tuple[list[tuple[str, int]], list[str]]:
    """(places, names) of a plan."""
    places, names = [], []
    for line in zlib.decompress(base64.b85decode("".join(words))).decode().split("\n"):
        host, _, rest = line.partition(" ")
        if host == "?":
            names.append(rest)
        else:
            places += [(host, int(port)) for port in rest.split()]
    return places, names


def most_sockets() -> int:
    """How many may be open at once."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except ImportError:
        soft = 256
    return max(16, min(soft, FILES) - SPARE)


class Board:
    """How each place ended in one pass, told block by block as soon as a block is done."""

    def __init__(self, count: int, number: int) -> None:
        self.count, self.number = count, number
        self.ends: dict[int, dict[str, bytearray]] = {}
        self.left = [min(BLOCK, count - first) for first in range(0, count, BLOCK)]
        self.spent = [[0.0, 0] for _ in self.left]

    def note(self, index: int, dial: Dial) -> None:
        """One place is done."""
        block, place = divmod(index, BLOCK)
        bits = self.ends.setdefault(block, {}).setdefault(dial.outcome, bytearray(BLOCK // 8))
        bits[place >> 3] |= 1 << (place & 7)
        if dial.outcome == "accepted":
            self.spent[block][0] += dial.seconds
            self.spent[block][1] += 1
        self.left[block] -= 1
        if not self.left[block]:
            self.tell(block)

    def tell(self, block: int) -> None:
        """Write what is known of a block and forget it."""
        seconds, times = self.spent[block]
        line: dict[str, Any] = {"block": block * BLOCK, "pass": self.number}
        line["ms"] = round(1000 * seconds / max(1, times), 3)
        for outcome, bits in self.ends.pop(block, {}).items():
            line[outcome] = base64.b85encode(zlib.compress(bytes(bits))).decode()
        write(line)

    def tell_rest(self) -> None:
        """What is not whole when the time is over."""
        for block in sorted(self.ends):
            self.tell(block)


class Sweep:
    """Dials all places once: as fast as the rate, the sockets and each host let it."""

    def __init__(
        self, places: list[tuple[str, int]], timeout: float, until: float, rate: float, most: int
    ) -> None:
        self.places, self.timeout, self.until, self.rate, self.most = places, timeout, until, rate, most
        self.selector = selectors.DefaultSelector()
        self.parked: dict[str, Any] = {}  # places of hosts that are busy
        self.ready: Any = collections.deque()
        self.busy: dict[str, int] = {}
        self.room: dict[str, int] = {}  # of hosts that are silent: more may wait there at once, it costs nobody
        self.going = self.waiting = self.short = 0
        self.connecting: Any = collections.deque()  # both in the order in which they end
        self.listening: Any = collections.deque()
        self.told: dict[int, Question] = {}  # kept for their detail
        self.next_start = 0.0

    def run(self, first: int, board: Board) -> None:
        """Once round, from place `first` on; those not begun in time are not noted."""
        self.board = board
        order = iter([*range(first, len(self.places)), *range(first)])
        self.next_start = time.monotonic()
        more = True
        while (more or self.ready or self.going or self.waiting) and time.monotonic() < self.until:
            more = self.start_some(order, more)
            self.step()
        for index, dial in [*self.connecting, *self.listening]:
            if not dial.outcome:
                self.selector.unregister(dial.sock)
                dial.give_up()
                if not dial.cut:
                    self.note(index, dial)

    def start_some(self, order: Any, more: bool) -> bool:
        """Begin what may begin now; whether the order has more."""
        self.next_start = max(self.next_start, time.monotonic() - BURST)
        while self.going < self.most and self.next_start <= time.monotonic():
            if self.ready:
                index = self.ready.popleft()
            elif more and self.waiting < self.most:
                index = next(order, -1)
                if index < 0:
                    return False
                host = self.places[index][0]
                if self.busy.get(host, 0) >= self.room.get(host, PER_HOST):
                    self.parked.setdefault(host, collections.deque()).append(index)
                    self.waiting += 1
                    continue
            else:
                break
            self.next_start += 1 / self.rate
            self.start(index)
        return more

    def start(self, index: int) -> None:
        """Dial one place."""
        host, port = self.places[index]
        shown = f"[{host}]" if ":" in host else host
        question = self.told.get(index) or Question(f"dial:{shown}:{port}")
        dial = question.dial()
        self.busy[host] = self.busy.get(host, 0) + 1
        if dial.start(self.timeout):
            self.going += 1
            self.selector.register(dial.sock, selectors.EVENT_WRITE, (index, dial))
            self.connecting.append((index, dial))
        elif dial.errno in SHORT_OF and self.short < MOST_SHORT:
            self.short += 1
            question.dials.pop()
            self.free(host)
            self.ready.append(index)
            self.rate = max(1.0, self.rate / 2)
            self.next_start = time.monotonic() + BACK_OFF
        else:
            self.free(host)
            self.note(index, dial)

    def free(self, host: str, silent: bool = False) -> None:
        """A dial of the host is no longer on its way: the next of it may begin, after a silent one two."""
        self.busy[host] -= 1
        room = self.room.get(host, PER_HOST)
        if silent and room < MOST_PER_HOST:
            self.room[host] = room + 1
        parked = self.parked.get(host)
        for _ in range(2 if self.room.get(host, PER_HOST) > room else 1):
            if parked:
                self.ready.append(parked.popleft())
                self.waiting -= 1

    def step(self) -> None:
        """Wait for a socket, a deadline or the next start, then settle what has something to say."""
        ends = [queue[0][1].ends for queue in (self.connecting, self.listening) if queue]
        may_start = self.going < self.most and (self.ready or not self.waiting)
        ends += [self.next_start] if may_start else []
        pause = max(0.001, min([*ends, self.until]) - time.monotonic())
        if not self.going:
            time.sleep(min(pause, 1.0))
            return
        for key, _ in self.selector.select(pause):
            self.settle(key.data[0], key.data[1], key.data[1].ready)
        self.drain(self.connecting, CONNECT)
        self.drain(self.listening, LISTEN)

    def drain(self, queue: Any, phase: int) -> None:
        """Settle those whose time is over, and drop those that went on meanwhile."""
        now = time.monotonic()
        while queue:
            index, dial = queue[0]
            gone = dial.outcome or dial.phase != phase
            if not gone and now < dial.ends:
                return
            queue.popleft()
            if not gone:
                self.settle(index, dial, dial.expire)

    def settle(self, index: int, dial: Dial, look: Any) -> None:
        """Let a dial look at its socket or its clock."""
        host, sock, phase = self.places[index][0], dial.sock, dial.phase
        self.selector.unregister(sock)
        ended = look()
        if phase == CONNECT and (ended or dial.phase != CONNECT):
            self.free(host, dial.outcome == "timeout")
        if ended:
            self.going -= 1
            self.note(index, dial)
            return
        event = selectors.EVENT_WRITE if dial.phase == CONNECT else selectors.EVENT_READ
        self.selector.register(dial.sock, event, (index, dial))
        if phase == CONNECT and dial.phase != CONNECT:
            self.listening.append((index, dial))

    def note(self, index: int, dial: Dial) -> None:
        """A place is done: only what is not simply well is kept."""
        well = dial.outcome == "accepted" and not dial.speaks
        if not well and len(self.told) < MOST_TOLD:
            self.told.setdefault(index, dial.question)
        self.board.note(index, dial)


def sweep(places: list[tuple[str, int]], options: dict[str, float], until: float) -> int:
    """Dial them all, some times; tell blocks, then what needs more words. The number of dials told."""
    count = len(places)
    if not count:
        return 0
    index = int(os.environ.get("JOB_COMPLETION_INDEX", "0"))
    first = index * count // max(1, int(options["--shards"])) % count
    dialling = Sweep(places, options["--timeout"], until, max(1.0, options["--rate"]), most_sockets())
    dialled = 0
    for number in range(max(1, int(options["--times"]))):
        board = Board(count, number)
        dialling.run(first, board)
        board.tell_rest()
        dialled += count - sum(board.left)
    questions = list(dialling.told.values())
    measure_rsts(questions, until)
    silent = [question for question in questions if question.dials[0].outcome == "timeout"][:AGAIN]
    dial_alone(silent, questions, options["--timeout"], until)
    for question in questions:
        write(question.line(1))
    return dialled


def main_of_shard(words: list[str]) -> None:
    """Do what the plan says within `--seconds` seconds, and leave."""
    options = {
        "--timeout": 4.0,
        "--seconds": 60.0,
        "--rate": 500.0,
        "--times": 1.0,
        "--settle": 0.0,
        "--shards": 1.0,
    }
    while words and words[0] in options:
        options[words[0]] = float(words[1])
        words = words[2:]
    begun = time.monotonic()
    end_in_time(options["--seconds"], watch=False)
    time.sleep(options["--settle"])
    until = begun + options["--seconds"] - 1.0
    places, names = unpacked(words)
    threads = start_lookups(names)
    dialled = sweep(places, options, until)
    join_all(threads, min(until, time.monotonic() + LOOKUP_TIMEOUT + len(names) / LOOKUPS_A_SECOND))
    for name in names:
        write_lookup("lookup:" + name)
    write({"end": True, "dialled": dialled, "seconds": round(time.monotonic() - begun, 3)})
    os._exit(0)  # a lookup may still hang in its thread


if __name__ == "__main__":
    main_of_shard(sys.argv[1:])
