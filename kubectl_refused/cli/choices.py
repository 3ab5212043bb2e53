"""Values of options that have only some: told before anything else is loaded."""

from __future__ import annotations

from kubectl_refused.errors import UsageProblem, shown

from .command import Values
from .options import Option


def check_choices(values: Values, options: tuple[Option, ...]) -> None:
    """Raise UsageProblem for a value that its option does not have."""
    for option in options:
        value = values.get(option.key)
        if option.completes == "choices" and value and value not in option.choices:
            raise UsageProblem(
                f"{option.name} {shown(str(value))} is not known", f"type {option.name} {'|'.join(option.choices)}"
            )
