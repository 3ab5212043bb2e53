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
    from kubectl_refused.trace.nearest import did_you_mean  # on the way to an error only

    known = (text for cause in catalogue() for text in _names(cause))
    return did_you_mean(name.strip().lower().replace("_", "-"), known, "see: kubectl refused causes")
