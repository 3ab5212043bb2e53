"""The bench measures what it says: a failed run does not count, turns alternate, lists are paged."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from bench import table
from bench.api_server import World, page, serving
from bench.manifests import faults, manifests
from bench.timing import Command, Times, in_turns, once


def test_runs_alternate_and_the_first_round_only_warms_up() -> None:
    order: list[str] = []

    def run(command: Command) -> float:
        order.append(command.name)
        return float(len(order))

    first, second = in_turns([Command("a", [], {}), Command("b", [], {})], 2, run=run)
    assert order == ["a", "b"] * 3
    assert first.runs == (3.0, 5.0)
    assert second.median == 5.0


def test_a_failed_run_is_an_error_and_not_a_quick_run() -> None:
    with pytest.raises(RuntimeError, match="exit code 7"):
        once(Command("broken", [sys.executable, "-c", "raise SystemExit(7)"], {}))


def test_times_read_well() -> None:
    assert Times("x", (0.010, 0.020, 0.060)).spread == "20 ms (10 ms–60 ms)"
    assert Times("x", (1.0, 2.0, 4.0)).spread == "2.00 s (1.00 s–4.00 s)"


def test_the_server_pages_as_asked() -> None:
    items = [{"n": n} for n in range(5)]
    first = page(items, {"limit": ["2"]})
    assert [item["n"] for item in first["items"]] == [0, 1]
    last = page(items, {"limit": ["3"], "continue": [first["metadata"]["continue"]]})
    assert [item["n"] for item in last["items"]] == [2, 3, 4]
    assert last["metadata"]["continue"] == ""


def test_the_server_notes_what_was_asked_and_when(tmp_path: Path) -> None:
    world = World(3)
    with serving(world, tmp_path) as kubeconfig:
        server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        path = "/api/v1/namespaces/bench/pods?labelSelector=app%3Dweb"
        with urllib.request.urlopen(server + path, timeout=5) as answer:
            assert len(json.load(answer)["items"]) == 3
    assert world.asked == [path]
    assert len(world.arrivals) == 1


def test_the_table_is_one_and_kept_with_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROWS", [])
    table.row("scan -A", "1 s", "kubectl get 2 s", 0.5, "1.0 ×", True)
    table.row("svc/NAME", "9 s", "", None, "4 s", False)
    table.row("python -c pass", "20 ms")
    kept = tmp_path / "RESULTS.md"
    table.write(kept, "make bench", "2026-11-29", "A remark.")
    lines = kept.read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert cells[0] == ["what", "ours", "the other's", "ratio", "target", ""]
    assert cells[-3:] == [
        ["scan -A", "1 s", "kubectl get 2 s", "0.50", "1.0 ×", "pass"],
        ["svc/NAME", "9 s", "", "", "4 s", "short"],
        ["python -c pass", "20 ms", "", "", "", ""],
    ]
    assert "cores" in lines[2]
    assert lines[-1] == "A remark."


def test_the_file_has_as_many_faults_as_it_says(tmp_path: Path) -> None:
    documents = [one for one in yaml.safe_load_all("".join(manifests(200))) if one]
    assert [one["kind"] for one in documents[:2]] == ["Deployment", "Service"]
    assert len(documents) == 400
    pods = {one["metadata"]["name"]: one["spec"]["template"] for one in documents if one["kind"] == "Deployment"}
    broken = [
        one
        for one in documents
        if one["kind"] == "Service"
        and (one["spec"]["selector"]["app"] not in pods or one["spec"]["ports"][0]["targetPort"] != "http")
    ]
    assert len(broken) == faults(200) == 4
