"""Patterns that wait to be compiled are as good as others, and every one of ours is a pattern."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import re

import pytest

import kubectl_refused
from kubectl_refused.patterns import _Lazy, lazily


def test_it_is_compiled_at_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = re.compile

    def noted(text: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(text)
        return real(text, flags)

    monkeypatch.setattr(re, "compile", noted)
    word = lazily(r"\bWEB\b", re.IGNORECASE)
    assert compiled == []
    assert word.search("the web")
    assert word.sub("api", "web, web") == "api, api"
    assert [found[0] for found in word.finditer("web Web")] == ["web", "Web"]
    assert compiled == [r"\bWEB\b"]
    assert (word.pattern, word.flags & re.IGNORECASE) == (r"\bWEB\b", re.IGNORECASE)


def test_what_is_no_pattern_is_told_when_used() -> None:
    broken = lazily("(")
    with pytest.raises(re.error):
        broken.search("")


def test_every_pattern_of_ours_is_one() -> None:
    """Nobody would see a slip in one before it is used."""
    for module in pkgutil.walk_packages(kubectl_refused.__path__, "kubectl_refused."):
        if not module.name.endswith("__main__"):  # which runs
            importlib.import_module(module.name)
    waiting = [one for one in gc.get_objects() if isinstance(one, _Lazy)]
    assert len(waiting) > 20
    for one in waiting:
        assert isinstance(one.pattern, str | bytes)  # which it has once it is compiled


def test_none_is_compiled_while_modules_load() -> None:
    """A run would compile hundreds that it never asks for anything."""
    compiled = []
    for module in pkgutil.walk_packages(kubectl_refused.__path__, "kubectl_refused."):
        if not module.name.endswith("__main__"):
            held = vars(importlib.import_module(module.name)).values()
            compiled += [module.name for one in held if isinstance(one, re.Pattern)]
    assert compiled == []
