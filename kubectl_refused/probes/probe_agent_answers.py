"""What the probe agent wrote, decoded: Handshakes, Lookups and what else it was asked, by request.

The text comes out of a container, so nothing in it is trusted: a line that is not the agent's is left out and
counted, an answer to something that was not asked is ignored, and text is cut and stripped of control characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from kubectl_refused.connection.errors import one_line
from kubectl_refused.decoders import decoded
from kubectl_refused.model.facts import BulkDial, Dial, NameKey, NodeView
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Bulk, Handshake, HttpAnswer, Icmp, Lookup, NodeSettings, Outcome
from kubectl_refused.text import mask

WITNESS = "probe-pod"
BLIND = "nc and bash have no error queue: whether an RST or an ICMP message refused cannot be told"
LONGEST_LINE = 64 * 1024
MOST_ADDRESSES = 64
MOST_TIMES = 20  # dials of one question
# As the judge ranks them: what speaks for several dials.
WORST_FIRST = (
    Outcome.REFUSED,
    Outcome.REJECTED,
    Outcome.TIMEOUT,
    Outcome.UNREACHABLE,
    Outcome.UNRESOLVED,
    Outcome.DENIED,
    Outcome.RESET,
    Outcome.MIXED,
    Outcome.UNKNOWN,
    Outcome.UNTRIED,
    Outcome.ACCEPTED,
)

Kind = TypeVar("Kind", bound=msgspec.Struct)
# What can be asked, and what comes of it; a Gap where the agent itself says that it could not.
Asked = Dial | NameKey | BulkDial | NodeView
Told = Handshake | Lookup | Bulk | NodeSettings | Gap

_Byte = Annotated[int, msgspec.Meta(ge=0, le=255)]


class _Icmp(msgspec.Struct):
    type: _Byte
    code: _Byte
    offender: str = ""
    ttl: _Byte | None = None


class _Page(msgspec.Struct):
    status: Annotated[int, msgspec.Meta(ge=100, le=999)]
    server: str = ""
    said: str = ""
    error: str = ""
    source: str = ""


_Ended = Literal[
    "accepted", "refused", "rejected", "timeout", "reset", "unreachable", "unresolved", "denied", "untried"
]
_Counted = tuple[_Ended, Annotated[int, msgspec.Meta(ge=1, le=MOST_TIMES)]]


class _Line(msgspec.Struct):
    """One line of JSON; a dial or a lookup."""

    id: str
    outcome: _Ended
    seconds: float = 0.0
    errno: str = ""
    source: str = ""
    icmp: _Icmp | None = None
    tries: _Byte = 1
    detail: str = ""
    speaks: str = ""
    http: _Page | None = None
    rst_ttl: _Byte | None = None
    heard: Annotated[list[_Counted], msgspec.Meta(max_length=len(Outcome))] = msgspec.field(default_factory=list)
    addresses: list[str] = msgspec.field(default_factory=list)
    error: str = ""


_Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 20)]
_Sizes = Annotated[list[_Size], msgspec.Meta(max_length=2)]


class _BulkLine(msgspec.Struct):
    id: str
    ordinary: _Sizes
    whole: bool
    small: _Sizes
    small_whole: bool
    segment: _Size
    late: int = 0
    error: str = ""


_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]


class _SettingsLine(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    forwards: _Count | None = None
    forwards_v6: _Count | None = None
    bridged: _Count | None = None
    liberal: _Count | None = None
    tracked: _Count | None = None
    most: _Count | None = None
    dropped: _Count | None = None
    invalid: _Count | None = None


class _Unable(msgspec.Struct, forbid_unknown_fields=True):
    unable: str


class _End(msgspec.Struct, forbid_unknown_fields=True):
    end: Literal[True]


class Answers(Struct):
    """Values so far; `last_garbage` is the last line that was not, `ended` whether the agent was done.

    `unable` says what the image lacks where the agent cannot run at all: another image may answer at once.
    """

    asked: dict[str, Asked]
    values: dict[str, Told] = field(default_factory=dict)
    ended: bool = False
    garbage: int = 0
    last_garbage: str = ""
    unable: str = ""

    def take(self, line: bytes) -> None:
        """Understand one line, whatever is in it."""
        if not line.strip() or self.ended:
            return
        if len(line) > LONGEST_LINE or not self._understood(line):
            self.garbage += 1
            self.last_garbage = one_line(line[:400].decode(errors="replace"), limit=160)

    def take_all(self, lines: Iterable[bytes]) -> None:
        """Understand lines up to the agent's last; stops reading there."""
        for line in lines:
            self.take(line)
            if self.ended:
                return

    def _understood(self, line: bytes) -> bool:
        told = next(filter(None, (read(line, self.asked) for read in (_json, _bulk, _settings, _tabs))), None)
        request, value = told or ("", None)
        if value is not None:
            before = self.values.get(request)
            self.values[request] = _together(before, value) if line[:3] in (b"nc\t", b"sh\t") else value
            return True
        if (unable := _read(line, _Unable)) is not None:
            self.unable = one_line(unable.unable, limit=160) or "the agent cannot run"
            return True
        self.ended = _read(line, _End) is not None
        return self.ended


def request_of(subject: Asked) -> str:
    """The agent's word: `dial:10.0.0.1:80`, `dial:[fd00::1]:80`, `lookup:web.shop.svc`, `bulk:tls:10.0.0.1:9`."""
    if isinstance(subject, NameKey):
        return f"lookup:{subject.name}"
    if isinstance(subject, NodeView):
        return f"settings:{subject.name}"
    host = f"[{subject.host}]" if ":" in subject.host else subject.host
    word = f"bulk:{subject.speaks}" if isinstance(subject, BulkDial) else "dial"
    return f"{word}:{host}:{subject.port}"


def _read(line: bytes, kind: type[Kind]) -> Kind | None:
    try:
        return decoded(line, kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _json(line: bytes, asked: dict[str, Asked]) -> tuple[str, Told] | None:
    said = _read(line, _Line)
    subject = asked.get(said.id) if said else None
    if said is None or not isinstance(subject, Dial | NameKey):
        return None
    if isinstance(subject, NameKey):
        addresses = tuple(one_line(address, limit=64) for address in said.addresses[:MOST_ADDRESSES])
        return said.id, Lookup(subject.name, addresses, _seconds(said.seconds), WITNESS, one_line(said.error))
    return said.id, _handshake(said, subject)


def _bulk(line: bytes, asked: dict[str, Asked]) -> tuple[str, Told] | None:
    said = _read(line, _BulkLine)
    subject = asked.get(said.id) if said else None
    if said is None or not isinstance(subject, BulkDial):
        return None
    if said.error or not said.ordinary:
        return said.id, Gap("whether a large answer arrives", one_line(said.error) or "the agent does not tell")
    ordinary, small = tuple(said.ordinary), tuple(said.small)
    ends = (said.whole, small, said.small_whole, said.segment, max(0, said.late))
    return said.id, Bulk(subject.host, subject.port, WITNESS, ordinary, *ends)


def _settings(line: bytes, asked: dict[str, Asked]) -> tuple[str, Told] | None:
    said = _read(line, _SettingsLine)
    if said is None or not isinstance(asked.get(said.id), NodeView):
        return None
    return said.id, NodeSettings(
        WITNESS,
        forwards=_flag(said.forwards),
        forwards_v6=_flag(said.forwards_v6),
        bridged=_flag(said.bridged),
        liberal=_flag(said.liberal),
        tracked=said.tracked,
        most=said.most,
        dropped=said.dropped,
        invalid=said.invalid,
    )


def _flag(number: int | None) -> bool | None:
    return None if number is None else number != 0


def _handshake(said: _Line, subject: Dial) -> Handshake:
    icmp = said.icmp
    return Handshake(
        host=subject.host,
        port=subject.port,
        outcome=Outcome(said.outcome),
        seconds=_seconds(said.seconds),
        witness=WITNESS,
        source=one_line(said.source, limit=64),
        errno=one_line(said.errno, limit=32),
        icmp=Icmp(icmp.type, icmp.code, one_line(icmp.offender, limit=64), icmp.ttl) if icmp else None,
        tries=said.tries,
        detail=one_line(said.detail),
        rst_ttl=said.rst_ttl if said.outcome == "refused" else None,
        heard=tuple((Outcome(outcome), count) for outcome, count in said.heard),
        speaks=said.speaks if re.fullmatch(r"[a-z0-9]{1,16}", said.speaks) else "",
        http=_page(said.http) if said.http else None,
    )


def _page(told: _Page) -> HttpAnswer:
    server, error = one_line(told.server, limit=120), one_line(told.error, limit=120)
    return HttpAnswer(
        told.status, server, one_line(mask(told.said), limit=600), error, one_line(told.source, limit=64)
    )


def _together(before: Told | None, value: Told) -> Told:
    """The shell form writes a line per dial: the worst of both, with how often each outcome came."""
    if not isinstance(before, Handshake) or not isinstance(value, Handshake):
        return value
    counts = dict(before.heard or ((before.outcome, 1),))
    if sum(counts.values()) >= MOST_TIMES:
        return before
    counts[value.outcome] = counts.get(value.outcome, 0) + 1
    both = [before, value]
    if counts.keys() & {Outcome.REFUSED, Outcome.UNREACHABLE}:
        # Both may be ICMP's, and then a silence is the kernel's limit.
        counts.pop(Outcome.TIMEOUT, None)
        both = [handshake for handshake in both if handshake.outcome is not Outcome.TIMEOUT]
    worst = min(both, key=lambda handshake: WORST_FIRST.index(handshake.outcome))
    ordered = sorted(counts.items(), key=lambda item: WORST_FIRST.index(item[0]))
    return msgspec.structs.replace(worst, heard=tuple(ordered))


def _seconds(value: float) -> float:
    return value if 0 <= value < 3600 else 0.0


def _tabs(line: bytes, asked: dict[str, Asked]) -> tuple[str, Told] | None:
    """The shell form's line; see probe_agent.sh."""
    words = line.decode(errors="replace").rstrip("\r\n").split("\t")
    numbers = words[2:5] if words[0] == "nc" else words[1:3]
    if not all(re.fullmatch(r"[0-9]{1,6}", number) for number in numbers):
        return None
    match words:
        case ["nc", speed, tries, status, took, request, *said] if isinstance(subject := asked.get(request), Dial):
            seconds, text = int(took) / 100, " ".join(said)
            return request, _dialled(subject, speed == "slow", int(tries), int(status), seconds, text)
        case ["ns", status, took, request, *said] if isinstance(name := asked.get(request), NameKey):
            return request, _looked_up(name.name, int(status), int(took) / 100, " ".join(said))
    return None


def _dialled(dial: Dial, slow: bool, tries: int, status: int, seconds: float, said: str) -> Handshake:
    """A Handshake from nc's exit status and words; the words are strerror(3)'s, the same in all builds."""
    outcome, errno = Outcome.UNKNOWN, ""
    if status == 0:
        outcome = Outcome.ACCEPTED
    elif slow or "timed out" in said:
        outcome, errno = Outcome.TIMEOUT, "ETIMEDOUT"
    else:
        for words, ended, number in _SAID:
            if words.lower() in said.lower():
                outcome, errno = ended, number
                break
    detail = BLIND if outcome is not Outcome.ACCEPTED else ""
    if outcome is Outcome.UNKNOWN:
        detail = f"nc ended with status {status}: {one_line(said, limit=160)}"
    return Handshake(dial.host, dial.port, outcome, seconds, WITNESS, errno=errno, tries=tries, detail=detail)


_SAID = (
    ("accepted, then closed", Outcome.RESET, ""),
    ("Connection refused", Outcome.REFUSED, "ECONNREFUSED"),
    ("No route to host", Outcome.UNREACHABLE, "EHOSTUNREACH"),
    ("Host is unreachable", Outcome.UNREACHABLE, "EHOSTUNREACH"),  # musl
    ("unreachable", Outcome.UNREACHABLE, "ENETUNREACH"),
    ("reset by peer", Outcome.RESET, "ECONNRESET"),
    ("not permitted", Outcome.DENIED, "EPERM"),
    ("Permission denied", Outcome.DENIED, "EACCES"),
    ("bad address", Outcome.UNRESOLVED, ""),
    ("getaddrinfo", Outcome.UNRESOLVED, ""),
)


def _looked_up(name: str, status: int, seconds: float, said: str) -> Lookup:
    """A Lookup from nslookup's words: the server's own address comes before the first `Name:`."""
    _, _, answer = said.partition("Name:")
    addresses = tuple(dict.fromkeys(re.findall(r"Address(?: \d+)?:\s*([0-9a-fA-F:.]+)", answer)))[:MOST_ADDRESSES]
    wrong = re.search(r"can't (?:find|resolve)[^|]*|timed out[^|]*|no servers[^|]*", said)
    error = "" if addresses else one_line(wrong[0] if wrong else f"nslookup ended with status {status}", limit=200)
    return Lookup(name, addresses, seconds, WITNESS, error)


def missing(answers: Answers) -> Sequence[str]:
    """Requests without an answer, in the order asked."""
    return [request for request in answers.asked if request not in answers.values]
