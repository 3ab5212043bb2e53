"""Cleaning and masking, on what attackers and applications really write."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.text import clean, mask, one_line

HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x9c\x07\r\n\t[]()\\;?0m8=:@/'\"{}-"),
        st.characters(exclude_categories=()),
    ),
    max_size=80,
)


@given(HOSTILE)
def test_nothing_that_steers_a_terminal_survives(text: str) -> None:
    cleaned = clean(text)
    assert not [c for c in cleaned if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t"]
    assert not set(cleaned) & set("\u202e\u2066\u200b\u2028\ufeff\u061c")
    cleaned.encode()
    assert clean(cleaned) == cleaned


@given(HOSTILE)
def test_one_line_is_one_line_of_bounded_length(text: str) -> None:
    line = one_line(text, 40)
    assert len(line) <= 40
    assert "\n" not in line
    assert line == line.strip()


@given(HOSTILE)
def test_masking_never_raises_and_is_stable(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    ("hostile", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1bPq#0;2\x1b\\after", "after"),
        ("\x1b]0;never finished", "0;never finished"),
        ("a\x1bcb", "ab"),
        ("\x1b(Bok", "ok"),
        ("one\r\ntwo", "one\ntwo"),
        ("pay\u202egpj.exe", "paygpj.exe"),
        ("a\u200bb\ud800c", "abc"),
        ("tab\tstays\nhere", "tab\tstays\nhere"),
        ("Zürich 東京 ✓", "Zürich 東京 ✓"),
    ],
)
def test_sequences_go_as_a_whole(hostile: str, plain: str) -> None:
    assert clean(hostile) == plain


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn\nsecretline\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("Authorization: Bearer abc.def-123456", "abc.def"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNl"),
        ('{"authorization":"Bearer s3cr3tvalue","path":"/"}', "s3cr3t"),
        ("Cookie: session=deadbeef; other=1", "deadbeef"),
        ("curl -H 'Authorization: Token 0123456789' http://x", "0123456789"),
        ("using bearer abcdef0123456789", "abcdef"),
        (f"got {JWT} from client", "eyJzdWI"),
        ("postgres://shop:hunter2@db:5432/shop", "hunter2"),
        ("amqp://u:p@ss/word@mq/", "ss/word"),
        ("redis://:hunter2@cache:6379", "hunter2"),
        ("DB_PASSWORD=hunter2 starting", "hunter2"),
        ('{"password": "hunt\\"er2", "a": 1}', "er2"),
        ('msg="{\\"password\\":\\"hunter2\\"}"', "hunter2"),
        ("api_key: 'abc 123'", "abc 123"),
        ('password="cut off here', "cut off"),
        ("server --db-password hunter2 --port 80", "hunter2"),
        ("Pwd=hunter2;Server=db", "hunter2"),
        ("client_secret=hunter2&grant=x", "hunter2"),
        ("aws AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghij"),
        (KEY, "secretline"),
        ("MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn\nAAAAB3NzaC1yc2EAAAA\n-----END PRIVATE KEY-----\nnext", "MIIEpA"),
    ],
)
def test_secrets_are_masked(line: str, secret: str) -> None:
    assert secret not in mask(line)
    assert "***" in mask(line)


@pytest.mark.parametrize(
    "line",
    [
        "listening on http://0.0.0.0:8080/users/a@b",
        "GET http://web:80/path?mail=a@b.c 200",
        'secret "db" not found',
        "bind: address already in use",
        "couldn't find key password in Secret shop/db",
        "SyntaxError: Unexpected token ':'",
        "bearer token is missing",
        "dial tcp 10.0.0.1:5432: connect: connection refused",
        "[::1]:8080 accepted from user@host",
    ],
)
def test_what_explains_a_fault_stays(line: str) -> None:
    assert mask(line) == line


def test_the_rest_of_a_masked_line_stays() -> None:
    assert mask("postgres://shop:x9@db:5432 refused, password=y tried") == (
        "postgres://shop:***@db:5432 refused, password=*** tried"
    )


@pytest.mark.parametrize(
    "piece",
    [
        "\x1b]",
        "\x9d",
        "\x1b[1;",
        "-----BEGIN PRIVATE KEY-----",
        "token",
        "http://",
        "a:",
        "eyJ",
        "bearer ",
        "password=\\",
        "A",
    ],
)
def test_hostile_text_costs_linear_time(piece: str) -> None:
    text = (piece * 70_000)[:64_000]
    start = time.process_time()
    mask(clean(text))
    assert time.process_time() - start < 2
