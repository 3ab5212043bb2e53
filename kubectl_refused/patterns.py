"""Regular expressions that are compiled when first used: a run uses few, and each takes half a millisecond."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Lazy:
    """Stands for a compiled pattern until somebody asks it for anything."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._given = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        made = re.compile(*self._given)
        # What is kept here is found without this method from now on.
        for each in ("search", "match", "fullmatch", "finditer", "findall", "sub", "split", "pattern", "flags"):
            setattr(self, each, getattr(made, each))
        return getattr(made, name)


def lazily(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, at the first use; a pattern that is none raises re.error then."""
    return cast("re.Pattern[AnyStr]", _Lazy(pattern, flags))
