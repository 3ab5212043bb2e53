"""The agent's lines as they are understood, whatever a container writes between them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.judge.outcomes import WORST_FIRST
from kubectl_refused.model.facts import Dial, NameKey
from kubectl_refused.model.observation import Handshake, Icmp, Lookup, Outcome
from kubectl_refused.probes import probe_agent, probe_agent_answers
from kubectl_refused.probes.probe_agent_answers import LONGEST_LINE, Answers, missing, request_of

WEB, WEB6, NAME = Dial("10.0.0.1", 80), Dial("fd00::1", 80), NameKey("web.shop.svc")
REJECTED = {
    "id": "dial:10.0.0.1:80",
    "outcome": "rejected",
    "seconds": 0.0005,
    "errno": "ECONNREFUSED",
    "source": "10.0.0.9",
    "icmp": {"type": 3, "code": 3, "offender": "10.0.0.254"},
    "tries": 1,
    "detail": "",
}
NEAR_MISSES = st.fixed_dictionaries(
    {"id": st.sampled_from(["dial:10.0.0.1:80", "lookup:web.shop.svc", "dial:9:9"]), "outcome": st.text()},
    optional={
        "seconds": st.floats() | st.integers() | st.text(),
        "icmp": st.none() | st.dictionaries(st.sampled_from(["type", "code", "offender"]), st.integers()),
        "addresses": st.lists(st.text()) | st.none(),
        "tries": st.integers() | st.booleans(),
        "detail": st.text(),
        "speaks": st.text() | st.none(),
        "unable": st.text() | st.booleans(),
        "heard": st.lists(st.lists(st.sampled_from(["accepted", "evil"]) | st.integers())) | st.integers(),
    },
).map(lambda value: json.dumps(value).encode())
TABBED = st.lists(st.sampled_from(["nc", "ns", "slow", "1", "-1", "99999999", "dial:10.0.0.1:80", ""]) | st.text())
HOSTILE = st.lists(st.binary() | NEAR_MISSES | TABBED.map(lambda words: "\t".join(words).encode(errors="replace")))


def fresh() -> Answers:
    """Three questions without an answer."""
    return Answers({request_of(subject): subject for subject in (WEB, WEB6, NAME)})


def understood(*lines: str) -> Answers:
    """Answers after some lines."""
    answers = fresh()
    answers.take_all(line.encode() for line in lines)
    return answers


def test_requests_have_brackets_for_ipv6_only() -> None:
    assert [request_of(s) for s in (WEB, WEB6, NAME)] == [
        "dial:10.0.0.1:80",
        "dial:[fd00::1]:80",
        "lookup:web.shop.svc",
    ]


def test_a_rejected_dial_says_who_rejected_it() -> None:
    value = understood(json.dumps(REJECTED)).values["dial:10.0.0.1:80"]
    assert isinstance(value, Handshake)
    assert (value.outcome, value.icmp) == (Outcome.REJECTED, Icmp(3, 3, "10.0.0.254"))
    assert (value.host, value.port, value.source, value.witness) == ("10.0.0.1", 80, "10.0.0.9", "probe-pod")


def test_garbage_is_left_out_counted_and_kept_for_the_report() -> None:
    answers = understood("Traceback (most recent call last):", "MemoryError\x1b[31m", '{"end": true}')
    assert (answers.garbage, answers.ended) == (2, True)
    assert answers.last_garbage.startswith("MemoryError")
    assert "\x1b" not in answers.last_garbage
    assert len(missing(answers)) == 3


def test_an_answer_to_something_else_is_no_answer() -> None:
    answers = understood(json.dumps(REJECTED | {"id": "dial:10.0.0.2:80"}))
    assert answers.values == {}
    assert answers.garbage == 1


def test_nothing_after_the_end_counts() -> None:
    assert understood('{"end": true}', json.dumps(REJECTED)).values == {}


def test_a_line_without_end_is_not_decoded() -> None:
    assert understood(json.dumps(REJECTED | {"detail": "x" * LONGEST_LINE})).values == {}


def test_text_from_the_container_is_stripped_and_cut() -> None:
    hostile = json.dumps(REJECTED | {"detail": "\x1b]8;;evil\x07" + "x" * 5000})
    value = understood(hostile).values["dial:10.0.0.1:80"]
    assert isinstance(value, Handshake)
    assert "\x1b" not in value.detail
    assert len(value.detail) < 1000


def test_the_words_of_nc_become_outcomes() -> None:
    words = {
        "nc: can't connect to remote host (10.0.0.1): Connection refused": Outcome.REFUSED,
        "nc: connect to 10.0.0.1 port 80 (tcp) failed: Connection refused": Outcome.REFUSED,
        "nc: 10.0.0.1 (10.0.0.1:80): Host is unreachable": Outcome.UNREACHABLE,
        "nc: can't connect to remote host (10.0.0.1): No route to host": Outcome.UNREACHABLE,
        "nc: can't connect to remote host (10.0.0.1): Network is unreachable": Outcome.UNREACHABLE,
        "nc: timed out": Outcome.TIMEOUT,
        "nc: can't connect to remote host (10.0.0.1): Operation not permitted": Outcome.DENIED,
        "sh: nc: not found": Outcome.UNKNOWN,
    }
    for said, outcome in words.items():
        value = understood(f"nc\tquick\t1\t1\t3\tdial:10.0.0.1:80\t{said}").values["dial:10.0.0.1:80"]
        assert isinstance(value, Handshake)
        assert (said, value.outcome) == (said, outcome)
        assert value.detail


def test_the_words_of_nslookup_become_addresses_or_an_error() -> None:
    server = "Server:  10.96.0.10|Address: 10.96.0.10:53||"
    good = f"{server}Name: web.shop.svc|Address: 10.96.1.2|Name: web.shop.svc|Address 1: fd00::2|"
    bad = f"{server}** server can't find web.shop.svc: NXDOMAIN|"
    lines = [f"ns\t0\t3\tlookup:web.shop.svc\t{said}" for said in (good, bad)]
    values = [understood(line).values["lookup:web.shop.svc"] for line in lines]
    assert all(isinstance(value, Lookup) for value in values)
    assert [(v.addresses, v.error) for v in values if isinstance(v, Lookup)] == [
        (("10.96.1.2", "fd00::2"), ""),
        ((), "can't find web.shop.svc: NXDOMAIN"),
    ]


@given(HOSTILE)
def test_no_line_crashes_it_and_nothing_unasked_is_answered(lines: list[bytes]) -> None:
    answers = fresh()
    answers.take_all(lines)
    assert set(answers.values) <= set(answers.asked)
    for request, value in answers.values.items():
        assert isinstance(value, Lookup if request.startswith("lookup:") else Handshake)
        assert 0 <= value.seconds < 3600 * 3
    assert len(answers.last_garbage) <= 160


def test_how_often_each_outcome_came_is_kept() -> None:
    line = json.dumps(REJECTED | {"heard": [["rejected", 2], ["accepted", 3]], "speaks": "http"})
    value = understood(line).values["dial:10.0.0.1:80"]
    assert isinstance(value, Handshake)
    assert value.heard == ((Outcome.REJECTED, 2), (Outcome.ACCEPTED, 3))
    assert value.speaks == "http"


def test_the_hop_limit_of_icmp_is_kept() -> None:
    icmp = {"type": 3, "code": 3, "offender": "10.0.0.254", "ttl": 63}
    value = understood(json.dumps(REJECTED | {"icmp": icmp})).values["dial:10.0.0.1:80"]
    assert isinstance(value, Handshake)
    assert value.icmp == Icmp(3, 3, "10.0.0.254", 63)


def test_a_protocol_that_is_no_word_is_none() -> None:
    value = understood(json.dumps(REJECTED | {"speaks": "\x1b]8;;evil\x07"})).values["dial:10.0.0.1:80"]
    assert isinstance(value, Handshake)
    assert value.speaks == ""


def test_an_image_that_cannot_run_it_is_no_garbage() -> None:
    answers = understood('{"unable": "no python3, nc or bash"}', '{"end": true}')
    assert (answers.unable, answers.ended, answers.garbage) == ("no python3, nc or bash", True, 0)


def nc(*dials: tuple[str, int, str]) -> Handshake:
    """What lines of (speed, status, words) for one request become."""
    lines = [f"nc\t{speed}\t1\t{status}\t3\tdial:10.0.0.1:80\t{said}" for speed, status, said in dials]
    value = understood(*lines).values["dial:10.0.0.1:80"]
    assert isinstance(value, Handshake)
    return value


def test_the_shells_repeats_are_counted_and_the_worst_speaks() -> None:
    accepted, silent = ("quick", 0, ""), ("slow", 1, "")
    said = nc(accepted, silent, accepted)
    assert (said.outcome, said.heard) == (Outcome.TIMEOUT, ((Outcome.TIMEOUT, 1), (Outcome.ACCEPTED, 2)))


def test_where_the_shell_hears_a_refusal_silence_is_the_limits() -> None:
    refused, silent = ("quick", 1, "Connection refused"), ("slow", 1, "")
    unreachable = ("quick", 1, "No route to host")
    for dials in ((refused, silent), (silent, refused), (silent, refused, silent)):
        assert set(dict(nc(*dials).heard)) == {Outcome.REFUSED}
    said = nc(silent, unreachable, silent, unreachable)
    assert (said.outcome, said.heard) == (Outcome.UNREACHABLE, ((Outcome.UNREACHABLE, 2),))


def test_no_container_counts_more_dials_than_were_asked_for() -> None:
    assert nc(*[("quick", 0, "")] * 50).heard == ((Outcome.ACCEPTED, 20),)


def test_the_worst_is_the_judges_and_the_agents_own() -> None:
    assert probe_agent_answers.WORST_FIRST == WORST_FIRST
    known = [outcome.value for outcome in WORST_FIRST if outcome.value in probe_agent.WORST_FIRST]
    assert tuple(known) == probe_agent.WORST_FIRST
