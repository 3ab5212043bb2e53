"""The report as JSON text, from which the data formats are made, so that they can never differ.

Data is escaped, never stripped: a log line keeps its bytes, but as \\uXXXX, since `-o json` is read on
terminals too, where ESC, C1 controls (U+009B starts a control sequence in UTF-8 as well) and bidirectional
controls would act.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kubectl_refused.model.report import Report
from kubectl_refused.patterns import lazily

# DEL and C1, soft hyphen, bidirectional and zero-width controls, line separators, tags. Every encoder escapes C0.
STEERING = lazily(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_FIRST = ("apiVersion", "kind", "witness", "subject", "code", "name", "says")
_FOREIGN = ("patch", "value", "differs")
_NOT_ASCII = lazily("[^\x00-\x7f]")
_LONE_SURROGATES = lazily("[\ud800-\udfff]")


def escaped(found: re.Match[str]) -> str:
    """The JSON escapes of what was matched: \\uXXXX, a pair of them above U+FFFF (RFC 8259, 7)."""
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def as_text(report: Report) -> str:
    """The report as indented JSON, apiVersion and kind first, without characters that steer a terminal."""
    return harmless(_ordered(msgspec.to_builtins(report)))


def harmless(data: Any) -> str:
    """Plain data as indented JSON, without characters that steer a terminal."""
    return STEERING.sub(escaped, msgspec.json.format(encoded(data), indent=2).decode())


def fitting(text: str, encoding: str | None) -> str:
    """JSON text as a stream of this encoding can hold it: where that is not every character, in ASCII escapes."""
    return text if encodable(text, encoding) else _NOT_ASCII.sub(escaped, text)


def encoded(data: Any) -> bytes:
    """JSON of plain data in UTF-8; lone surrogates become U+FFFD."""
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole(data))


def _ordered(value: Any) -> Any:
    """Our own objects with the keys first by which people read them; a patch or a field's value stays as it is."""
    if isinstance(value, list | tuple):
        return [_ordered(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    keys = [*(key for key in _FIRST if key in value), *(key for key in value if key not in _FIRST)]
    return {key: value[key] if key in _FOREIGN else _ordered(value[key]) for key in keys}


def encodable(text: str, encoding: str | None) -> bool:
    """Whether a stream of this encoding can hold the text; a stream in memory (None) holds all."""
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _whole(value: Any) -> Any:
    """The value with lone surrogates (undecodable bytes of a command line) replaced: no UTF-8 can hold them."""
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_whole(key): _whole(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(entry) for entry in value]
    return value
