"""`record` and `--recording` from the command line, with a cluster that is a server of the test's own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.connection.fake_api import CERTIFICATES, Answer, Seen, serving, status

from .tool import run


def shop(seen: Seen) -> Answer:
    """A Service whose selector matches nothing, beside a pod that it nearly means."""
    last = seen.path.rpartition("/")[2]
    if seen.path.endswith("/services/web"):
        spec = {"clusterIP": "10.96.0.80", "selector": {"app": "wep"}, "ports": [{"port": 80, "targetPort": 8080}]}
        return Answer(body={"metadata": {"name": "web", "namespace": "shop"}, "spec": spec})
    if seen.path.endswith("/shop/pods"):
        env = [{"name": "DB_PASSWORD", "value": "hunter2"}]
        pod = {
            "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "env": env, "args": ["--token", "hunter2"]}]},
            "status": {"phase": "Running"},
        }
        return Answer(body={"metadata": {}, "items": [pod]})
    if last.endswith("s"):
        return Answer(body={"metadata": {}, "items": []})
    return status(404, "NotFound", "not found")


def test_a_recording_replays_without_the_cluster(tmp_path: Path) -> None:
    file = tmp_path / "b.tgz"
    plain = ["svc/web", "-n", "shop", "--probe", "none"]
    with serving(shop, tls=True) as fake:
        flags = ["-s", fake.address, "--certificate-authority", str(CERTIFICATES / "ca.crt"), "--token", "t"]
        live = run(tmp_path, *plain, *flags, "-o", "json")
        done = run(tmp_path, "record", *plain, *flags, "-o", str(file), "--report", f"json={tmp_path}/r.json")
        again = run(tmp_path, "record", *plain, *flags, "-o", str(file))
    assert (live.returncode, done.returncode, done.stderr) == (1, 1, "")
    assert done.stdout.endswith(f"recorded in {file}; replay: kubectl refused --recording {file}\n")
    assert again.returncode == 2
    assert again.stderr == f"error: {file} cannot be written: it exists; name another file, or add --overwrite\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"DB_PASSWORD" in gzip.decompress(file.read_bytes())
    assert b"hunter2" not in gzip.decompress(file.read_bytes())
    replayed = run(tmp_path, "--recording", str(file), "-o", "json")
    assert (replayed.returncode, replayed.stderr) == (1, "")
    told = json.loads(replayed.stdout)
    assert told == json.loads((tmp_path / "r.json").read_text()) == json.loads(live.stdout)
    assert told["root"]["name"] == "selector-matches-nothing"
    people = run(tmp_path, "--recording", str(file), "svc/web")
    assert "KR201" in people.stdout
    assert f"replayed from {file}, recorded 2" in people.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["record", "-o", "x.tgz"], "no Service is named; type svc/NAME"),
        (["record", "localhost:8080", "-o", "x.tgz"], "only Services are recorded; type svc/NAME"),
        (["record", "svc/web"], "no file is named to record to; add -o FILE, such as -o refused.tgz"),
        (["record", "svc/web", "-o", "/nowhere/x.tgz"], "there is no folder /nowhere"),
        (["record", "svc/web", "-o", "/"], "/ cannot be written: it is a folder"),
        (["record", "svc/web", "-o", "/dev/null", "--overwrite"], "/dev/null cannot be written: it is no file"),
        (["record", "svc/web", "-o", "a\x1bb/c"], r"there is no folder"),
        (["--recording", ""], "--recording names no file"),
        (["--recording", "none.tgz"], "none.tgz cannot be read: No such file or directory; name a file that"),
        (["--recording", "x", "-f", "y"], "--filename does not go with --recording"),
        (["--recording", "x", "--from", "pod/a"], "--from does not go with --recording"),
        (["--recording", "x", "--wait", "2m"], "--wait does not go with --recording"),
    ],
)
def test_wrong_usage(words: list[str], says: str, tmp_path: Path) -> None:
    done = run(tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.isascii()
    assert done.stderr.count("\n") == 1


def test_what_is_not_in_it(tmp_path: Path) -> None:
    from kubectl_refused.model.target import Depth, Target
    from kubectl_refused.recordings.bundle import packed
    from kubectl_refused.recordings.transcript import Recording, Transcript

    transcripts = tuple(Transcript(Target(f"web{n}", "shop", "80"), ()) for n in range(7))
    (tmp_path / "b.tgz").write_bytes(packed(Recording("1", "", Depth.NONE, transcripts)))
    done = run(tmp_path, "--recording", f"{tmp_path}/b.tgz", "svc/web1")
    assert done.returncode == 2
    assert "does not hold svc/web1; it holds svc/web0:80 in namespace shop, svc/web1:80 in" in done.stderr
    assert done.stderr.endswith(" and 2 more\n")
    found = run(tmp_path, "--recording", f"{tmp_path}/b.tgz", "web1:80", "-o", "name")
    assert found.stdout == "svc/web1:80 untried\n"


def test_a_failed_run_writes_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, "record", "svc/web", "-s", "https://127.0.0.1:1", "-o", f"{tmp_path}/b.tgz")
    assert done.returncode == 4
    assert list(tmp_path.glob("*.tgz")) == []
