"""Words that name no Service: containers, and hosts with a port."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.target import Target
from kubectl_refused.resolve.grammar import parse
from kubectl_refused.resolve.places import ask_which, place_of


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("docker/web", Target("web", "", None, "Container")),
        ("docker/My_Web.1:080", Target("My_Web.1", "", "80", "Container")),
        ("podman/web:80", Target("web", "", "80", "Container", scheme="podman")),
        ("compose/shop/web:80", Target("web", "shop", "80", "Compose")),
        ("compose/web", Target("web", "", None, "Compose")),
        ("tcp://10.0.0.1:80", Target("10.0.0.1", "", "80", "Address", scheme="tcp")),
        ("https://web.shop/a:b?c", Target("web.shop", "", "443", "Address", scheme="https", path="/a:b")),
        ("postgres://me:secret@db:5433/x", Target("db", "", "5433", "Address", scheme="postgres", path="/x")),
        ("http://[::1]/", Target("::1", "", "80", "Address", scheme="http")),
        ("LOCALHOST:80", Target("localhost", "", "80", "Address")),
        ("web.shop:80", Target("web.shop", "", "80", "Address")),
        ("[::1]:443", Target("::1", "", "443", "Address")),
        (":8080", Target("", "", "8080", "Address")),
    ],
)
def test_what_names_no_service(word: str, target: Target) -> None:
    assert parse([word], namespace="") == (target,)


@pytest.mark.parametrize("word", ["web:80", "web", "svc/web:80", "web:http", "service.v1./web", ""])
def test_what_may_name_a_service_is_left_to_others(word: str) -> None:
    assert place_of(word) is None


@pytest.mark.parametrize(
    ("word", "wrong", "instead"),
    [
        ("docker/", "no name of a container", "docker/NAME"),
        ("docker/-x", "no name of a container", "docker/NAME:PORT"),
        ("docker/web:", "nothing follows the colon", "docker/NAME:PORT"),
        ("docker/web:http", "'http' is not between 1 and 65535", "docker/NAME:PORT"),
        ("compose/a b/web", "no project name", "compose/PROJECT/SERVICE"),
        ("::1", "may end in a port or not", "[::1]:80"),
        ("[::1]", "has no port", ":PORT"),
        ("[zz::]:80", "is no IPv6 address", "[::1]:80"),
        ("1.2.3.4:65536", "not between 1 and 65535", "HOST:PORT"),
        ("tcp://web", "has no port", "tcp://HOST:PORT"),
        ("tcp://we b:80", "is no host name", "HOST:PORT"),
        ("a.b:\x1b[31m", r"\x1b[31m", "HOST:PORT"),
    ],
)
def test_what_is_wrong_and_what_to_type_instead(word: str, wrong: str, instead: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        place_of(word)
    assert wrong in caught.value.message
    assert instead in caught.value.message
    assert "\n" not in caught.value.message


@given(st.text(max_size=80))
def test_hostile_words_end_in_one_line(word: str) -> None:
    told: object = None
    try:
        told = place_of(word)
    except UsageProblem as problem:
        told = problem.message
    assert told is None or str(told).isprintable()


def test_a_target_is_written_as_it_can_be_typed() -> None:
    for word in ("docker/web:80", "compose/shop/web", "compose/web:80", "[::1]:80", "web.shop:80", "docker/web"):
        (target,) = parse([word], namespace="")
        assert str(target) == word


def test_places_of_two_kinds_are_not_asked_about_together() -> None:
    with pytest.raises(UsageProblem, match="are not in one place"):
        parse(["docker/web", "localhost:80"], namespace="")
    assert len(parse(["docker/web", "compose/a/b"], namespace="")) == 2


@pytest.mark.parametrize("word", ["web", "svc/web:80", "localhost:80", ":80", "tcp://web:80", "db.internal:5432"])
def test_what_means_one_thing_is_not_asked_about(word: str) -> None:
    ask_which([word])
    assert len(parse([word], namespace="shop")) == 1


@pytest.mark.parametrize("word", ["web:80", "web:http"])
def test_a_service_or_a_host_is_asked_about(word: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        ask_which(["localhost:80", word])
    assert problem.value.message == f"'{word}' may be a Service or a host; type svc/{word} or tcp://{word}"
