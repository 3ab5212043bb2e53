"""The report on a terminal: what it says in which order, and that nothing breaks it."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.model.evidence import Certainty, Fix
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, DiagnosisList, GapTold, Report
from kubectl_refused.renderers import Style
from kubectl_refused.text import clean

from . import hostile, samples
from .streams import rendered, steering, too_long, uncoloured

WIDTHS = (20, 40, 60, 80, 120, 200)
unhurried = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def lines_of(report: Report, width: int = 80) -> list[str]:
    return rendered(report, Style(width=width)).splitlines()


def test_first_line_is_the_verdict_with_the_code_at_the_right() -> None:
    first, second, *_ = lines_of(samples.refused())
    assert first.startswith("✗ svc/web:80 is refused: the app listens on 127.0.0.1 only  ")
    assert first.endswith(" KR403 · proved")
    assert len(first) == 80
    assert second == "  kind-dev · namespace shop · seen from a pod on node2"


def test_the_picture_is_one_line_with_the_note_beneath_the_broken_hop() -> None:
    lines = lines_of(samples.refused(), 120)
    picture = lines[3]
    assert picture == "  client ─✓─ svc/web:80 ─✓─ 2 of 2 pods ready ─✗─ 10.202.1.9:8080"
    assert lines[4].index("RST") == picture.index("─✗─")


def test_a_note_moves_left_rather_than_wrap() -> None:
    note = next(line for line in lines_of(samples.rejected()) if "ICMP" in line)
    assert note.rstrip().endswith("(10.202.1.1)")
    assert len(note) == 80


def test_a_picture_too_long_for_the_line_goes_down() -> None:
    lines = lines_of(samples.refused(), 40)
    assert "    ─✗─ 10.202.1.9:8080" in lines
    assert lines.index("  client") < lines.index("    ─✓─ svc/web:80")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("wide", [False, True])
def test_every_line_fits_but_the_command(width: int, wide: bool) -> None:
    text = rendered(samples.everything(), Style(width=width, wide=wide))
    assert too_long(text, width, but=samples.COMMAND) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_command_stands_alone_on_its_line(width: int) -> None:
    assert samples.COMMAND in [line.strip() for line in lines_of(samples.rejected(), width)]


def test_a_command_of_several_lines_begins_in_the_first_column() -> None:
    command = "kubectl apply -f - <<'END'\nkind: Service\nEND"
    root = msgspec.structs.replace(samples.selector(), fix=Fix(summary="Apply this", command=command))
    text = rendered(samples.diagnosis(samples.path(Outcome.REFUSED, root)))
    assert f"\n{command}\n" in text


def test_each_kind_of_evidence_has_its_row() -> None:
    root = msgspec.structs.replace(samples.selector(), evidence=samples.one_of_each_evidence())
    lines = lines_of(samples.diagnosis(samples.path(Outcome.REFUSED, root)), 120)
    kinds = [line[9:18].strip() for line in lines if line.startswith(("  proof", " " * 9)) and line[9] != " "]
    assert kinds[:8] == ["object", "nearest", "sockets", "packet", "log", "event", "witness", "trial"]


def test_a_row_names_what_its_claim_does_not() -> None:
    root = msgspec.structs.replace(samples.selector(), evidence=samples.one_of_each_evidence())
    text = " ".join(rendered(samples.diagnosis(samples.path(Outcome.REFUSED, root))).split())
    assert "[-tier=core] [+tier=c0re] [-track=stable] (deployment/web-b" in text
    assert "the last line before it exited: bind: in use (pod/web-7d9f-x7k2p)" in text
    assert "BackOff: Back-off restarting failed container (pod/web-7d9f-x7k2p)" in text


def test_long_evidence_is_cut_unless_wide() -> None:
    evidence = tuple(
        msgspec.structs.replace(samples.one_of_each_evidence()[4], line=f"{n} " + "word " * 300) for n in range(20)
    )
    root = msgspec.structs.replace(samples.selector(), evidence=evidence)
    report = samples.diagnosis(samples.path(Outcome.REFUSED, root))
    assert "… and 10 more: -o wide" in rendered(report)
    assert len(lines_of(report)) < 60
    assert rendered(report, Style(wide=True)).count("word") == 6000


def test_a_healthy_target_is_one_line() -> None:
    assert lines_of(msgspec.structs.replace(samples.works(), touched=())) == [
        "✓ svc/api:80 accepts: 3 of 3 endpoints accepted, 0.3 ms, from a pod on node1"
    ]


def test_a_healthy_target_names_gaps_and_what_was_touched_in_short() -> None:
    other = GapTold(what="node2", because="no pod may run there")
    report = msgspec.structs.replace(samples.works(), gaps=(samples.GAP, other))
    assert lines_of(report)[1:] == [
        "  not checked  NetworkPolicy; node2",
        "  touched      job/refused-4f2a, created and deleted",
    ]


def test_an_incomplete_run_without_gaps_says_so() -> None:
    report = msgspec.structs.replace(samples.works(), complete=False, touched=())
    lines = lines_of(report)
    assert lines[0].startswith("? svc/api:80 accepts as far as it was checked: ")
    assert "  not checked  not all that this depth asks for: it could not be reached" in lines


@pytest.mark.parametrize("hostile", ["::error::pwned", "x ##[error]pwned", f"{'x' * 66} ::error file=a::pwned"])
def test_no_line_is_a_workflow_command(hostile: str) -> None:
    root = msgspec.structs.replace(samples.loopback(), says=hostile, headline=hostile)
    report = samples.diagnosis(samples.path(Outcome.REFUSED, root))
    for columns in (20, 40, 80):
        for line in lines_of(report, columns):
            assert not re.match(r"\s*::[a-z]", line), line
            assert "##[" not in line


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (samples.quiet(), "· svc/x:80 shows no fault in the objects (nothing was dialled)"),
        (
            msgspec.structs.replace(samples.quiet(), complete=False),
            "· svc/x:80 shows no fault in the objects as far as it could be read",
        ),
        (samples.offline(), "✗ svc/cart:80 cannot work: its selector matches no pod"),
        (samples.suspected(), "? svc/cart:80 probably cannot work: its selector matches no pod"),
        (samples.unknown(), "? svc/web:80 could not be judged: may not list endpointslices in shop"),
        (samples.unexplained(), "✗ svc/web:80 times out, and no cause is proved"),
        (
            samples.diagnosis(samples.path(Outcome.REFUSED, samples.selector(Certainty.POSSIBLE))),
            "✗ svc/web:80 is refused: perhaps its selector matches no pod",
        ),
        (
            samples.diagnosis(samples.path(Outcome.ACCEPTED, samples.selector(Certainty.LIKELY))),
            "? svc/web:80 accepts, but probably its selector matches no pod",
        ),
        (
            samples.diagnosis(samples.path(Outcome.UNTRIED, vantage="the files alone"), depth="objects"),
            "· svc/web:80 shows no fault in the files (nothing was dialled)",
        ),
    ],
)
def test_verdicts(report: Diagnosis, verdict: str) -> None:
    assert lines_of(report)[0].startswith(verdict)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_words(outcome: Outcome) -> None:
    root = None if outcome is Outcome.ACCEPTED else samples.selector()
    assert lines_of(samples.diagnosis(samples.path(outcome, root)))[0][2:].startswith("svc/web:80 ")


def test_depth_is_named_where_nothing_was_dialled() -> None:
    assert "seen in the files alone" in lines_of(samples.offline())[1]
    assert "seen in the objects alone" in lines_of(samples.suspected())[1]
    passive = samples.diagnosis(
        samples.path(Outcome.REFUSED, samples.loopback(), vantage="the API server"), depth="passive"
    )
    assert "seen from the API server" in lines_of(passive)[1]


def test_worst_path_first_a_fault_told_once_and_the_healthy_in_a_line() -> None:
    lines = lines_of(samples.several())
    verdicts = [line for line in lines if line[0:1] in ("✗", "✓")]
    assert [line.split(":")[1].split()[0] for line in verdicts] == ["80", "80", "443", "9090"]
    assert "over IPv4" in verdicts[0]
    assert "over IPv6" in verdicts[1]
    assert sum("127.0.0.1:8080 LISTEN" in line for line in lines) == 1
    assert lines[-1] == "✓ svc/web:9090 accepts: 2 of 2 endpoints accepted, 0.4 ms, from a pod on node2"


def test_faults_behind_the_root_follow_with_their_change() -> None:
    lines = lines_of(samples.rejected(), 120)
    at = next(n for n, line in enumerate(lines) if line.startswith("  then"))
    said = "probably the readiness probe asks port 8081, the app listens on 8080 (KR301)"
    assert lines[at].removeprefix("  then   ") == said
    assert lines[at + 1].strip() == "Set readinessProbe.httpGet.port to 8080 (deployment/cart)"


def test_a_diagnosis_without_paths_still_has_a_verdict() -> None:
    bare = msgspec.structs.replace(samples.refused(), paths=())
    assert lines_of(bare)[0].startswith("✗ svc/web:80 is refused: the app listens on 127.0.0.1 only")


def test_several_diagnoses_end_in_totals() -> None:
    end = rendered(samples.everything()).rpartition("\n\n")[2]
    assert end.startswith("12 targets: 2 are refused, 1 is rejected, 1 accepts, ")
    few = DiagnosisList(items=(samples.works(), samples.quiet()))
    assert "targets" not in rendered(few)
    assert rendered(DiagnosisList(items=())) == "· no target\n"


def test_single_lines_stand_without_blank_lines_between() -> None:
    one = msgspec.structs.replace(samples.works(), touched=())
    assert "" not in lines_of(DiagnosisList(items=(one, samples.quiet(), one)))


def test_colour_only_adds_colours() -> None:
    plain = rendered(samples.everything())
    coloured = rendered(samples.everything(), Style(colour=True))
    assert "\x1b" not in plain
    assert "\x1b[31;1m✗\x1b[0m" in coloured
    assert uncoloured(coloured) == plain


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_symbols_fall_back_where_the_terminal_lacks_them(encoding: str) -> None:
    text = rendered(samples.everything(), encoding=encoding)
    assert text.startswith("X svc/web:80 is refused")
    assert samples.COMMAND in text
    assert too_long(text, 80, but=samples.COMMAND) == []
    assert "ok svc/api:80 accepts" in text


def test_a_command_on_an_ascii_terminal_keeps_its_meaning() -> None:
    command = """kubectl patch svc/web -p '{"metadata":{"labels":{"a":"é漢😀"}}}'"""
    root = msgspec.structs.replace(samples.selector(), fix=Fix(summary="s", command=command))
    text = rendered(samples.diagnosis(samples.path(Outcome.REFUSED, root)), encoding="ascii")
    assert '"\\u00e9\\u6f22\\ud83d\\ude00"' in text


@unhurried
@given(
    report=st.one_of(hostile.diagnoses, hostile.lists),
    width=st.integers(1, 200),
    wide=st.booleans(),
    encoding=st.sampled_from(("utf-8", "ascii", "latin-1")),
)
def test_hostile_reports_neither_steer_nor_overflow(report: Report, width: int, wide: bool, encoding: str) -> None:
    text = rendered(report, Style(width=width, wide=wide), encoding=encoding)
    assert text.endswith("\n")
    assert steering(text) == []
    if encoding == "utf-8":
        assert too_long(text, max(width, 20), but="\n".join(_commands(report))) == []


@unhurried
@given(report=hostile.diagnoses, width=st.integers(20, 120))
def test_colours_are_the_only_sequences(report: Diagnosis, width: int) -> None:
    coloured = rendered(report, Style(width=width, colour=True))
    assert steering(uncoloured(coloured)) == []
    assert uncoloured(coloured) == rendered(report, Style(width=width))


@unhurried
@given(root=hostile.roots, width=st.integers(20, 120))
def test_the_command_appears_verbatim(root: object, width: int) -> None:
    report = samples.diagnosis(samples.path(Outcome.REFUSED, root))  # type: ignore[arg-type]
    text = rendered(report, Style(width=width))
    for command in _commands(report):
        obeyed = re.search(r"^\s*::|##\[", command, re.MULTILINE)  # by a CI system: not left as it is
        assert command.strip("\n") in text or obeyed


def _commands(report: Report) -> list[str]:
    """Every command of the report, cleaned as it is shown."""
    items = (report,) if isinstance(report, Diagnosis) else report.items
    roots = [d.root for d in items] + [p.root for d in items for p in d.paths]
    shown = [clean(r.fix.command) for r in roots if r and r.fix and r.fix.command]
    return [command for command in shown if command.strip()]


def test_what_changed_last_stands_behind_the_fix_with_its_age_in_words() -> None:
    lines = lines_of(samples.refused())
    at = next(number for number, line in enumerate(lines) if line.startswith("  changed"))
    assert lines[at].endswith("deployment/web  image web:1.3 → web:1.4, 4 minutes ago by helm")
    assert lines[at + 1].strip() == "(revision 7)"
    assert lines[at + 2].strip() == "pod/web-1  container web restarted, 3 hours ago"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (0, "a moment ago"),
        (9, "a moment ago"),
        (10, "10 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (7200, "2 hours ago"),
    ],
)
def test_ages_in_words(age: int, words: str) -> None:
    one = msgspec.structs.replace(samples.RESTART, age=age)
    report = samples.diagnosis(samples.path(Outcome.REFUSED), changed=(one,))
    assert f"restarted, {words}" in rendered(report)
