"""From what a program wrote to the connections that failed, line by line, in bounded memory. Pure.

Most errors tell on one line what failed and where. libpq, busybox and others spread it over a few; so an error
without an address takes one of the two lines before it, or of the three behind it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from kubectl_refused.text import clean, mask, one_line

from .error_places import Place, places
from .error_words import How, how_it_failed, may_tell

LONGEST_LINE = 8192  # bytes of a line that are looked at together
LONGEST_SHOWN = 200
MOST = 200  # places that are kept apart
BEFORE, BEHIND = 2, 3  # lines


@dataclass(frozen=True)
class Failure:
    """Connections to one place that failed in one way: how often, the first line, and when that came."""

    how: How
    place: Place
    line: str
    first: float = 0.0
    last: float = 0.0
    times: int = 1


@dataclass
class ErrorText:
    """Takes bytes as they come. `seen` is whether there was any text; `left_out` counts what is beyond MOST."""

    failures: dict[tuple[How, Place], Failure] = field(default_factory=dict)
    left_out: int = 0
    seen: bool = False
    _begun: bytes = b""
    _before: deque[str] = field(default_factory=lambda: deque(maxlen=BEFORE))
    _open: tuple[How, str, int] | None = None

    def feed(self, data: bytes, at: float = 0.0) -> None:
        """Take the next piece, which came at that time; an unfinished line is kept for the next."""
        self.seen = self.seen or bool(data)
        *lines, self._begun = (self._begun + data).replace(b"\r", b"\n").split(b"\n")
        while len(self._begun) > LONGEST_LINE:
            lines.append(self._begun[:LONGEST_LINE])
            self._begun = self._begun[LONGEST_LINE:]
        self._take(lines, at)

    def end(self, at: float = 0.0) -> list[Failure]:
        """Take what has no newline at its end; all failures, by their first line."""
        self._take([self._begun], at)
        self._begun = b""
        if self._open is not None:
            self._open = (*self._open[:2], 1)
            self._behind("", at)
        return list(self.failures.values())

    def _take(self, lines: list[bytes], at: float) -> None:
        """Look at lines; where none of them holds a word of an error, only at the last, for what may follow."""
        if self._open is None and not may_tell(b"\n".join(lines).lower()):
            self._before.extend(_text(line) for line in lines[-BEFORE:] if line.strip())
            return
        for line in lines:
            for start in range(0, max(len(line), 1), LONGEST_LINE):
                self._line(_text(line[start : start + LONGEST_LINE]), at)

    def _line(self, line: str, at: float) -> None:
        if not line:
            return
        how = how_it_failed(line) if may_tell(line.lower().encode("utf-8", "replace")) else None
        if how is None:
            self._behind(line, at)
            self._before.append(line)
            return
        here = places(line)
        near = here or [place for place in places(" ".join(self._before)) if not place.weak]
        self._open = None if near else (how, line, BEHIND)
        for place in near:
            self._note(how, place, line, at)
        self._before.clear()

    def _behind(self, line: str, at: float) -> None:
        """A line behind an error that named no address."""
        if self._open is None:
            return
        how, text, left = self._open
        together = f"{text} {line}"[-LONGEST_LINE:]
        found = [place for place in places(together) if not place.weak]
        whole = any(place.port for place in found) or left == 1
        self._open = None if whole else (how, together, left - 1)
        for place in found if whole else ():
            self._note(how, place, text, at)

    def _note(self, how: How, place: Place, line: str, at: float) -> None:
        known = self.failures.get((how, place))
        if known is not None:
            self.failures[how, place] = replace(known, last=at, times=known.times + 1)
        elif len(self.failures) < MOST:
            self.failures[how, place] = Failure(how, place, one_line(mask(line), LONGEST_SHOWN), at, at)
        else:
            self.left_out += 1


def failures_in(text: bytes) -> Iterator[Failure]:
    """Every failure of a whole text."""
    reader = ErrorText()
    reader.feed(text)
    yield from reader.end()


def _text(line: bytes) -> str:
    """The line as text, without what steers a terminal: colours stand in the midst of addresses."""
    return clean(line[:LONGEST_LINE].decode("utf-8", "replace")).strip()
