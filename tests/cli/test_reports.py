"""--report: files beside what stdout shows, checked before anything is done, whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from kubectl_refused.cli import reports
from kubectl_refused.cli.options import OUTPUTS
from kubectl_refused.cli.reports import LARGEST_SUMMARY, ReportFile, report_files
from kubectl_refused.cli.request import Request
from kubectl_refused.errors import UsageProblem
from tests.renderers import samples

from .test_run import SHOP
from .tool import run

FAULT = SHOP.splitlines().index("spec: {selector: {app: kart}, ports: [{port: 80}]}") + 1


@pytest.fixture
def shop(tmp_path: Path) -> str:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return str(file)


def test_every_format_in_one_run(shop: str, tmp_path: Path) -> None:
    typed = [word for name in OUTPUTS for word in ("--report", f"{name}={tmp_path}/report.{name}")]
    done = run(tmp_path, "-f", shop, "-o", "name", *typed)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "svc/web untried\nsvc/cart KR201/selector-matches-nothing\n"
    for name in OUTPUTS:
        assert "KR201" in (tmp_path / f"report.{name}").read_text()
    assert json.loads((tmp_path / "report.json").read_text())["kind"] == "DiagnosisList"
    assert ElementTree.parse(tmp_path / "report.junit").getroot().get("failures") == "1"
    assert "by files" in (tmp_path / "report.wide").read_text()
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o666 & ~_mask()
    assert not list(tmp_path.glob(".kubectl-refused-*"))


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize(("target", "code"), [("svc/cart", 1), ("svc/web", 0)])
def test_the_exit_code_is_the_same_in_every_format(
    shop: str, tmp_path: Path, name: str, target: str, code: int
) -> None:
    done = run(tmp_path, "-f", shop, target, "-o", name)
    assert (done.returncode, done.stderr) == (code, "")


def test_the_line_is_that_of_the_field(shop: str, tmp_path: Path) -> None:
    done = run(tmp_path, "-f", shop, "svc/cart", "-o", "sarif")
    (result,) = json.loads(done.stdout)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": FAULT}
    assert f",line={FAULT},title=KR201 " in run(tmp_path, "-f", shop, "svc/cart", "-o", "github").stdout


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["junit"], "--report junit names no file; type --report FORMAT=PATH, FORMAT one of json, yaml"),
        (["junit="], "--report junit= names no file"),
        (["xml=a"], "--report xml=a: there is no format xml; type"),
        (["json=-"], "--report json=- is no file; type -o json for the standard output"),
        (["json=a", "yaml=./a"], "--report names ./a twice"),
    ],
)
def test_wrong_usage_is_one_line(typed: list[str], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        report_files(typed)
    assert says in caught.value.message


def test_what_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    for path, why in (
        (f"{tmp_path}/none/a", f"there is no folder {tmp_path}/none"),
        (str(tmp_path), "it is a folder"),
    ):
        done = run(tmp_path, "-f", f"{tmp_path}/missing.yaml", "--report", f"json={path}")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert f"--report json={path}"[:60] in done.stderr
        assert why[:30] in done.stderr


def test_a_folder_without_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(UsageProblem, match="no right to write to the folder"):
        reports.check_reports(Request((), reports=(ReportFile("json", str(tmp_path / "a")),)))


def test_an_older_report_is_replaced_whole_and_keeps_its_rights(shop: str, tmp_path: Path) -> None:
    file, link = tmp_path / "a.json", tmp_path / "link.json"
    file.write_text("old" * 100_000)
    file.chmod(0o640)
    link.symlink_to(file)
    run(tmp_path, "-f", shop, "--report", f"json={link}")
    assert json.loads(file.read_text())["kind"] == "DiagnosisList"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert link.is_symlink()


def test_a_pipe_is_written_into(shop: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    assert run(tmp_path, "-f", shop, "--report", f"name={pipe}").returncode == 1
    reader.join(30)
    assert got == ["svc/web untried\nsvc/cart KR201/selector-matches-nothing\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(("code", "expected"), [(0, 70), (1, 1), (3, 3)])
def test_a_report_that_could_not_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, expected: int
) -> None:
    request = Request((), reports=(ReportFile("json", f"{tmp_path}/gone/a"),))
    assert reports.tell_all(samples.refused(), request, code, {}) == expected
    assert "was not written: No such file or directory\n" in capsys.readouterr().err


def test_half_a_report_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*words: Any) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "replace", full)
    request = Request((), reports=(ReportFile("json", f"{tmp_path}/a"),))
    assert reports.tell_all(samples.refused(), request, 0, {}) == 70
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_the_summary_of_a_step_is_appended_to(shop: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("## before\n\n")
    for words in (["-o", "github"], ["--report", f"github={tmp_path}/log"]):
        run(tmp_path, "-f", shop, *words, GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text().startswith("## before\n\n### 2 targets: ")
    assert summary.read_text().count("❌ **svc/cart:80 cannot work") == 2
    run(tmp_path, "-f", shop, "-o", "json", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text().count("❌ **svc/cart:80 cannot work") == 2


def test_a_summary_keeps_to_what_github_takes(shop: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("x" * (LARGEST_SUMMARY - 300))
    done = run(tmp_path, "-f", shop, "-o", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1
    assert LARGEST_SUMMARY - 300 < summary.stat().st_size <= LARGEST_SUMMARY
    done = run(tmp_path, "-f", shop, "-o", "github", GITHUB_STEP_SUMMARY=f"{tmp_path}/none/a")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_a_dry_run_makes_no_report(tmp_path: Path) -> None:
    done = run(tmp_path, "svc/web", "--dry-run", "--report", f"json={tmp_path}/a")
    assert done.returncode == 2
    assert done.stderr == "error: --dry-run makes no report; leave --report or --dry-run out\n"


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
