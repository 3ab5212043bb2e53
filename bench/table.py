"""The lines that the bench prints."""

from __future__ import annotations


def row(
    name: str, measured: str, compared: str = "", goal: str = "", met: bool | None = None, bound: bool = False
) -> None:
    """One line of the table. `bound` tells whether a missed goal is at least inside its upper bound."""
    missed = "goal MISSED, bound met" if bound else "MISSED"
    verdict = {None: "", True: "met", False: missed}[met]
    print(f"{name:38} {measured:30} {compared:24} {goal:24} {verdict}".rstrip(), flush=True)
