"""What a run or an error text comes to, in every format: what healed, what did not, and hostile words in it."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_refused.model.report import Explanation, Mention, Moment, Refusal
from kubectl_refused.renderers import Style, names

from . import hostile, samples
from .streams import rendered, steering, too_long, uncoloured

LINE = "dial tcp 10.96.3.7:80: connect: connection refused"
HEALED = Refusal(
    target="svc/web", namespace="shop", start=-1.0, end=8.2, cause="start-up", says="pod/web-1 was not ready yet",
    advice="Wait for it before the command: kubectl refused svc/web -n shop --wait 2m", code="KR409", named=True,
)  # fmt: skip
MENTION = Mention(
    address="10.96.3.7:80", how="refused", times=3, line=LINE, means="svc/web", target="svc/web:80",
    namespace="shop", first=2.1,
)  # fmt: skip
STRANGER = Mention(address="10.9.9.9:80", how="timed out", times=1, line="dial 10.9.9.9", means="", first=3.0)


def explained(**more: Any) -> Explanation:
    told: dict[str, Any] = {
        "context": "kr", "namespace": "shop", "command": ("go", "test", "./e2e"), "exit_code": 1, "seconds": 14.2,
        "mentions": (MENTION, STRANGER), "refusals": (HEALED,), "works": ("svc/web:80",), "items": (), "gaps": (),
        "timeline": (Moment(at=8.2, what="pod/web-1", namespace="shop", says="is ready"),), "touched": (),
    }  # fmt: skip
    return Explanation(**told | more)


def test_what_healed_is_told_with_its_time_and_what_to_do() -> None:
    assert rendered(explained(), Style(width=100)).splitlines() == [
        "? go test ./e2e exits with 1 after 14.2 s; svc/web did not accept meanwhile",
        "  kr · namespace shop",
        "",
        "  ✓ svc/web works now",
        "  refused   from the beginning to 8.2 s: pod/web-1 was not ready yet (KR409)",
        "  output    10.96.3.7:80 (svc/web) refused 3 times, first at 2.1 s",
        f"            {LINE}",
        "  fix       Wait for it before the command: kubectl refused svc/web -n shop --wait 2m",
        "",
        "  · 10.9.9.9:80 timed out: no Service, pod or node that is known here",
        "  output    dial 10.9.9.9",
        "",
        "  timeline  8.2 s  pod/web-1 is ready",
    ]


def test_what_is_still_broken_follows_in_full() -> None:
    item = samples.refused()
    told = rendered(explained(items=(replace(item, target="svc/web:80", namespace="shop"),), works=()))
    assert told.startswith("✗ go test")
    assert "✗ svc/web does not work" in told
    assert item.root is not None
    assert item.root.code in told.partition("timeline")[2]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"refusals": (), "mentions": ()},
            "· go test ./e2e exits with 1 after 14.2 s; its output tells of no failed",
        ),
        ({"refusals": ()}, "it failed to connect to svc/web"),
        ({"refusals": ()}, "nothing was seen meanwhile that explains it"),
        ({"command": (), "mentions": (), "refusals": ()}, "no address of a failed connection is in the text"),
        ({"command": (), "refusals": ()}, "connections to svc/web failed"),
        ({"command": (), "mentions": (STRANGER,), "refusals": ()}, "connections failed to what is not known here"),
        ({"works": ()}, "· svc/web was not dialled"),
    ],
)
def test_other_ends(more: dict[str, Any], says: str) -> None:
    assert says in " ".join(rendered(explained(**more)).split())


def test_every_format_tells_of_what_healed() -> None:
    for form in set(names()) - {"name", "terminal"}:
        assert "pod/web-1 was not ready yet" in rendered(explained(), form=form), form
    assert rendered(explained(), form="name") == "svc/web start-up shop\nsvc/web:80 accepted\n"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=hostile.explanations, width=st.integers(20, 140), wide=st.booleans())
def test_no_foreign_text_steers_the_terminal(item: Explanation, width: int, wide: bool) -> None:
    told = uncoloured(rendered(replace(item, items=()), Style(width=width, colour=True, wide=wide)))
    assert steering(told) == []
    assert too_long(told, max(width, 60)) == []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=hostile.explanations, encoding=st.sampled_from(("utf-8", "ascii")))
def test_hostile_words_break_no_format(item: Explanation, encoding: str) -> None:
    for form in names():
        told = rendered(item, form=form, encoding=encoding)
        if form == "junit":
            ElementTree.fromstring(told.encode())
        if form in ("json", "sarif"):
            assert json.loads(told)
        if form == "html":
            assert "<script" not in told
            assert "<img" not in told
        if form in ("terminal", "github"):
            commands = [line for line in told.splitlines() if line.lstrip().startswith("::")]
            assert all(line.startswith(("::error ", "::warning ")) for line in commands)
