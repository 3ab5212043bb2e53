"""Find a cause by its code or name, as people type them."""

from __future__ import annotations

from kubectl_refused.causes import Cause, catalogue


def is_called(cause: Cause, name: str) -> bool:
    """Whether the cause has or covers this code, or has this name, in any case, with dashes or underscores."""
    return name.strip().lower().replace("_", "-") in _names(cause)


def _names(cause: Cause) -> tuple[str, ...]:
    return (*(code.lower() for code in cause.codes), cause.slug)


def cause_called(name: str) -> Cause | None:
    """The cause of that code or name, or None."""
    return next((cause for cause in catalogue() if is_called(cause, name)), None)


def instead_of(name: str) -> str:
    """What to type instead of a name that no cause has."""
    import difflib  # on the way to an error only

    known = [text for cause in catalogue() for text in _names(cause)]
    near = difflib.get_close_matches(name.strip().lower().replace("_", "-")[:100], known, n=1)
    return f"did you mean {near[0]}?" if near else "see: kubectl refused causes"
