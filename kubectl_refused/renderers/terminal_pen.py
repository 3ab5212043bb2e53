"""Lines that fit: widths in cells, wrapping, colours, and what a terminal's encoding can show.

Plain strings rather than rich's Console: composing the report this way costs 5 ms of imports (rich.cells, for
the widths of wide characters) instead of 40, and nothing can be taken for markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from rich.cells import cell_len

from kubectl_refused.patterns import lazily
from kubectl_refused.text import clean

_SGR = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}
_ASCII = {"✓": "ok", "✗": "X", "─": "-", "·": "-", "…": "...", "→": "->", "←": "<-", "–": "-", "—": "-"}
_ASCII |= dict.fromkeys("‘’", "'") | dict.fromkeys("“”", '"')
_SPACES = lazily(r"\s+")
_NARROWEST = 20  # below this, lines may be longer than the terminal
_BREAKS = "/-.,:=_"
_LABELS = 9  # the column behind "  proof  "


@lru_cache(maxsize=4096)
def cells(text: str) -> int:
    """How many cells `text` takes at most.

    Character by character: terminals disagree on joined emoji, and the sum is what the plainest of them
    uses. A variation selector 16 may widen what it follows by one.
    """
    return len(text) if text.isascii() else sum(cell_len(c) for c in text) + text.count("\ufe0f")


class Pen(Struct, frozen=True):
    """Writes for one terminal. Strings from elsewhere come in through `text` or `verbatim` only."""

    columns: int
    colour: bool
    encoding: str
    wide: bool = False

    @property
    def width(self) -> int:
        """The width to fill: right-aligned words far from their line are not found, so at most 120."""
        return min(max(self.columns, _NARROWEST), 120)

    @property
    def narrow(self) -> bool:
        """Whether labels need lines of their own."""
        return self.width < 60

    def text(self, raw: str, limit: int = 600) -> str:
        """Cluster text made fit to show on one line: cleaned, cut at `limit` characters unless wide."""
        spaced = _SPACES.sub(lambda found: "  " if len(found[0]) > 1 else " ", clean(raw)).strip()
        if len(spaced) > limit and not self.wide:
            spaced = spaced[: limit - 1].rstrip() + "…"
        return self.fold(spaced)

    def verbatim(self, raw: str) -> str:
        """A command exactly as written, but for what steers the terminal or cannot be shown on it."""
        return self.fold(clean(raw), spare=True)

    def fold(self, text: str, *, spare: bool = False) -> str:
        """`text` in this encoding: our symbols as ASCII (unless `spare`), other characters as \\uXXXX."""
        try:
            text.encode(self.encoding)
            return text
        except (UnicodeEncodeError, LookupError):
            return "".join(self._folded(c, {} if spare else _ASCII) for c in text)

    def _folded(self, character: str, known: dict[str, str]) -> str:
        try:
            character.encode(self.encoding)
            return character
        except LookupError:
            if character.isascii():
                return character
        except UnicodeEncodeError:
            pass
        # JSON's escapes, so that the patch of a command still means the same.
        units = character.encode("utf-16-be", "replace")
        return known.get(character) or "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

    def paint(self, text: str, *hues: str) -> str:
        """`text` in colour, if there is any."""
        codes = ";".join(_SGR[hue] for hue in hues if hue)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colour and codes and text else text

    def column(self, label: str) -> int:
        """Where the text behind a section's label begins."""
        return 4 if self.narrow else max(_LABELS, cells(label) + 4)

    def section(self, label: str, lines: Sequence[str], *, at: int = 0) -> list[str]:
        """A labelled block; `lines` are already wrapped to `width - column(label)` and painted."""
        start = at or self.column(label)
        if not lines:
            return []
        rest = [" " * start + line for line in lines]
        if self.narrow:
            return [self.paint(f"  {label}", "dim"), *rest]
        lead = f"  {label}"
        first = self.paint(lead, "dim") + " " * (start - cells(lead)) + lines[0]
        return [first, *rest[1:]]


def wrap(text: str, width: int) -> list[str]:
    """`text` on lines of at most `width` cells, broken at spaces, inside a word only where it must be."""
    # What a CI system would obey gets a blank put in (as_terminal.py): `::` only where a line begins with it.
    text = text.replace("##[", "## [")
    width -= "::" in text
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if cells(candidate) <= width:
            line = candidate
            continue
        if line.strip():
            lines.append(line.rstrip())
        *full, line = _chopped(word, width)
        lines.extend(full)
    return [*lines, line.rstrip()] if line.strip() else lines


def _chopped(word: str, width: int) -> list[str]:
    """The word in pieces of at most `width` cells, cut behind a separator where one is near the end."""
    pieces: list[str] = []
    while cells(word) > width:
        end = _fitting(word, width)
        behind = max(word.rfind(mark, end // 2, end) for mark in _BREAKS) + 1
        cut = behind or end
        pieces.append(word[:cut])
        word = word[cut:]
    return [*pieces, word]


def _fitting(word: str, width: int) -> int:
    """How many characters fit into `width` cells; at least one, so that cutting ends."""
    taken = 0
    for at, character in enumerate(word):
        taken += cells(character)
        if taken > width:
            return max(at, 1)
    return len(word)


def clip(lines: list[str], most: int, mark: str) -> list[str]:
    """At most `most` lines, the last one ending in `mark` when some were left out."""
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    return [*lines[: most - 1], last[: max(len(last) - 2 * len(mark), 0)].rstrip() + mark]
