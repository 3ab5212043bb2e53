"""Renderers are found by walking the package, and cost their imports only when chosen."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from kubectl_refused import renderers

from . import samples


def test_the_formats_there_are() -> None:
    assert {"json", "name", "terminal", "yaml"} <= set(renderers.names())
    assert list(renderers.names()) == sorted(renderers.names())


@pytest.mark.parametrize("name", renderers.names())
def test_each_writes_a_report_that_ends_in_a_newline(name: str) -> None:
    out = io.StringIO()  # its encoding is None
    renderers.named(name)(samples.everything(), out, renderers.Style())
    assert out.getvalue().endswith("\n")
    assert "svc/cart:80" in out.getvalue()


@pytest.mark.parametrize("name", ["", "xml", "../terminal", "base", "as_json"])
def test_an_unknown_format_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(LookupError, match="html, json, junit, "):
        renderers.named(name)


@pytest.mark.parametrize(
    ("name", "unwanted"),
    [
        ("json", {"yaml", "rich", "kubernetes"}),
        ("name", {"yaml", "rich", "kubernetes"}),
        ("yaml", {"rich", "kubernetes"}),
        ("junit", {"yaml", "rich.console", "kubernetes"}),
        ("sarif", {"yaml", "rich.console", "junitparser", "kubernetes"}),
        ("html", {"yaml", "rich.console", "junitparser", "kubernetes"}),
        ("terminal", {"yaml", "rich.console", "rich.text", "kubernetes"}),
    ],
)
def test_a_format_imports_only_what_it_needs(name: str, unwanted: set[str]) -> None:
    code = f"import sys; from kubectl_refused import renderers; renderers.named({name!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert not unwanted & set(done.stdout.split())
