"""Which engine is asked: variables, contexts as the docker CLI writes them, and sockets."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.engine.connect import connect
from kubectl_refused.engine.places import DEFAULT, Tls, place_of_engine
from kubectl_refused.engine.problems import Asked, EngineProblem, problem_of
from kubectl_refused.engine.ssh import way_of

FILES = ("ca.pem", "cert.pem", "key.pem")


def context(home: Path, name: str, endpoint: dict[str, Any] | None, *files: str) -> None:
    """One context, in the folders of the docker CLI."""
    identity = hashlib.sha256(name.encode()).hexdigest()
    meta, tls = (home / "contexts" / part / identity for part in ("meta", "tls"))
    meta.mkdir(parents=True)
    endpoints = {"docker": endpoint} if endpoint is not None else {}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoints}))
    for file in files:
        (tls / "docker").mkdir(parents=True, exist_ok=True)
        (tls / "docker" / file).touch()


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with a DOCKER_CONFIG of its own."""
    return {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}


@pytest.mark.parametrize("host", ["tcp://10.0.0.1:2376", "ssh://me@server", "unix:///run/podman/podman.sock"])
def test_docker_host_comes_first(host: str, home: dict[str, str]) -> None:
    assert place_of_engine({**home, "DOCKER_HOST": host, "DOCKER_CONTEXT": "nobody"}).endpoint == host


@pytest.mark.parametrize(
    ("typed", "full"), [("10.0.0.1:2375", "tcp://10.0.0.1:2375"), ("/run/docker.sock", "unix:///run/docker.sock")]
)
def test_a_bare_place_is_taken_as_the_cli_takes_it(typed: str, full: str, home: dict[str, str]) -> None:
    assert place_of_engine({**home, "DOCKER_HOST": typed}).endpoint == full


def test_a_context_leads_to_its_endpoint_with_its_certificates(home: dict[str, str], tmp_path: Path) -> None:
    context(tmp_path, "away", {"Host": "tcp://away:2376", "SkipTLSVerify": False}, *FILES)
    context(tmp_path, "shell", {"Host": "ssh://me@away"})
    found = place_of_engine({**home, "DOCKER_CONTEXT": "away"})
    assert (found.endpoint, found.by) == ("tcp://away:2376", "the context away")
    assert found.tls is not None
    assert [Path(file).name for file in found.tls[:3]] == list(FILES)
    assert found.tls.verify is True
    (tmp_path / "config.json").write_text('{"currentContext": "shell"}')
    assert place_of_engine(home)[:3] == ("ssh://me@away", "the context shell", None)
    default = place_of_engine({**home, "DOCKER_CONTEXT": "default"})
    assert (default.endpoint.startswith("unix://"), default.by) == (True, "")


def test_a_context_may_trust_whoever_answers(home: dict[str, str], tmp_path: Path) -> None:
    context(tmp_path, "lax", {"Host": "tcp://lax:2376", "SkipTLSVerify": True})
    assert place_of_engine({**home, "DOCKER_CONTEXT": "lax"}).tls == Tls(verify=False)


@pytest.mark.parametrize(
    ("config", "environment", "says"),
    [
        ('{"currentContext": "awya"}', {},
         "there is no context awya, which config.json names; did you mean DOCKER_CONTEXT=away?"),
        ("{}", {"DOCKER_CONTEXT": "nobody-there"},
         "there is no context nobody-there, which DOCKER_CONTEXT names; try DOCKER_CONTEXT=default"),
        ("{}", {"DOCKER_CONTEXT": "empty"},
         "the context empty has no endpoint of Docker; try DOCKER_CONTEXT=default"),
        ("{}", {"DOCKER_CONTEXT": "torn"},
         "the context torn cannot be read: it is no JSON; try DOCKER_CONTEXT=default"),
        ("[" * 100_000, {}, "it is no JSON; mend it, or move"),
        ("{}", {"DOCKER_HOST": "gopher://x\x1b[31m"},
         "x\\x1b[31m, which is no place of an engine; it is unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST"),
        ("{}", {"DOCKER_HOST": "tcp://x:70000"}, "DOCKER_HOST is tcp://x:70000, which is no place of an engine"),
        ("{}", {"DOCKER_HOST": "ssh://-oProxyCommand=x"}, "is no place of an engine; it is ssh://USER@HOST"),
        ("{}", {"DOCKER_HOST": "ssh://me:secret@x"}, "is no place of an engine; it is ssh://USER@HOST"),
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_one_line(
    config: str, environment: dict[str, str], says: str, home: dict[str, str], tmp_path: Path
) -> None:
    context(tmp_path, "away", {"Host": "tcp://away:2376"})
    context(tmp_path, "empty", None)
    context(tmp_path, "torn", {})
    next(iter(tmp_path.glob(f"contexts/meta/{hashlib.sha256(b'torn').hexdigest()}/*"))).write_text("{")
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(EngineProblem) as caught:
        connect({**home, **environment})
    assert says in caught.value.message
    assert caught.value.message.isprintable()


def test_tls_by_variables_names_the_file_that_is_missing(home: dict[str, str], tmp_path: Path) -> None:
    wanted = {**home, "DOCKER_HOST": "tcp://x:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    with pytest.raises(
        EngineProblem, match=r"there is no ca\.pem in .*; put ca\.pem, cert\.pem and key\.pem there"
    ):
        place_of_engine(wanted)
    (tmp_path / "ca.pem").touch()
    assert place_of_engine(wanted).tls == Tls(ca=str(tmp_path / "ca.pem"))
    (tmp_path / "cert.pem").touch()
    with pytest.raises(EngineProblem, match=r"there is no key\.pem in"):
        place_of_engine(wanted)
    (tmp_path / "key.pem").touch()
    ca, certificate, key = (str(tmp_path / file) for file in FILES)
    full = Tls(ca, certificate, key)
    assert place_of_engine(wanted).tls == full
    assert place_of_engine({**wanted, "DOCKER_TLS_VERIFY": ""}).tls == full, "a CA that is given is looked at"
    assert place_of_engine({**home, "DOCKER_HOST": "tcp://x:2375"}).tls is None


def test_podman_has_variables_and_sockets_of_its_own(home: dict[str, str], tmp_path: Path) -> None:
    assert place_of_engine(home, podman=True).endpoint == "unix:///run/podman/podman.sock"
    mine = {**home, "XDG_RUNTIME_DIR": str(tmp_path), "DOCKER_HOST": "tcp://x:2375"}
    socket = tmp_path / "podman" / "podman.sock"
    assert place_of_engine(mine, podman=True).endpoint == f"unix://{socket}"
    there = {**mine, "CONTAINER_HOST": "ssh://me@there/run/podman/podman.sock"}
    assert place_of_engine(there, podman=True)[:2] == ("ssh://me@there/run/podman/podman.sock", "CONTAINER_HOST")
    assert place_of_engine(there).endpoint == "tcp://x:2375"
    by_docker = {**home, "DOCKER_HOST": "unix:///run/user/7/podman/podman.sock"}
    assert place_of_engine(by_docker, podman=True).by == "DOCKER_HOST"
    with pytest.raises(
        EngineProblem, match=r"no Podman is at .*; start it with systemctl --user start podman\.socket"
    ):
        connect({**home, "XDG_RUNTIME_DIR": str(tmp_path / "none")}, podman=True)


def test_where_nobody_named_one_podman_is_found(home: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "podman" / "podman.sock"
    place.parent.mkdir()
    place.touch()
    expected = DEFAULT if Path(DEFAULT.removeprefix("unix://")).exists() else f"unix://{place}"
    assert place_of_engine({**home, "XDG_RUNTIME_DIR": str(tmp_path)}).endpoint == expected


@pytest.mark.parametrize(
    ("endpoint", "podman", "last"),
    [
        ("ssh://me@away:2222", False, "-T -l me -p 2222 -- away docker system dial-stdio"),
        ("ssh://away", False, "-T -- away docker system dial-stdio"),
        ("ssh://away/run/d.sock", False, "-T -- away docker --host unix:///run/d.sock system dial-stdio"),
        ("ssh://me@away/run/p.sock", True, "-T -l me -- away podman --url unix:///run/p.sock system dial-stdio"),
    ],
)
def test_the_words_of_ssh(endpoint: str, podman: bool, last: str) -> None:
    words = " ".join(way_of(endpoint, podman=podman).words)
    assert words == f"ssh -o ConnectTimeout=10 -o BatchMode=yes {last}"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("Client sent an HTTP request to an HTTPS server",
         "x:1 (DOCKER_HOST) speaks TLS, and was asked without; set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "speaks no TLS, and was asked with it; unset DOCKER"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1)",
         "is not trusted: self-signed certificate; its CA must be in ca.pem of DOCKER_CERT_PATH"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", "takes no client without a "
         "certificate of its CA"),
        ("Name or service not known", "there is no host of the name in tcp://x:1 (DOCKER_HOST); mend DOCKER_HOST"),
        ("Read timed out.", "does not answer in time; see whether DOCKER_HOST is right"),
        ("\x1b[31mwhat\n", "does not answer: \\x1b[31mwhat; start it"),
    ],
)  # fmt: skip
def test_what_a_failure_means(said: str, says: str) -> None:
    told = problem_of(OSError(said), Asked("tcp://x:1", "DOCKER_HOST")).message
    assert says in told
    assert told.isprintable()
