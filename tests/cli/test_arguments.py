"""pflag's spellings, which click does not know, and the Request that comes of a command line."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.cli.app import invoke
from kubectl_refused.cli.arguments import plainly, so_far
from kubectl_refused.cli.command import Values, load, names
from kubectl_refused.cli.options import CONNECTION, DIAGNOSIS, Option
from kubectl_refused.cli.parser import parse
from kubectl_refused.cli.request import Request, request_of
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.target import Depth

OPTIONS = DIAGNOSIS + CONNECTION


def _request(*arguments: str) -> Request:
    """What `kubectl refused ARGUMENTS` asks for."""
    made: list[Request] = []

    def run(words: Sequence[str], values: Values) -> int:
        made.append(request_of(words, values, OPTIONS))
        return 0

    invoke(load("diagnose")._replace(run=run), "kubectl refused", arguments)
    return made[0]


def _problem(*arguments: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        _request(*arguments)
    assert caught.value.message.isprintable()
    return caught.value.message


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (["-n=shop"], {"namespace": "shop"}, []),
        (["-n", "shop"], {"namespace": "shop"}, []),
        (["-nshop", "web"], {"namespace": "shop"}, ["web"]),
        (["-n", "-v"], {"namespace": "-v"}, []),
        (["-wnshop"], {"watch": True, "namespace": "shop"}, []),
        (["-wn", "shop"], {"watch": True, "namespace": "shop"}, []),
        (["--namespace", "a", "-n=b"], {"namespace": "b"}, []),
        (["--insecure-skip-tls-verify=true"], {"insecure_skip_tls_verify": True}, []),
        (["--exit-zero", "--exit-zero=false"], {"exit_zero": False}, []),
        (["--exit-zero", "false"], {"exit_zero": True}, ["false"]),
        (["-v=6"], {"verbose": True}, []),
        (["-v6"], {"verbose": True}, []),
        (["-n=-x"], {"namespace": "-x"}, []),
        (["-wn=shop"], {"watch": True, "namespace": "shop"}, []),
        (["-n", "--", "web"], {"namespace": "--"}, ["web"]),
        (["--exit-zero=false", "--exit-zero=T"], {"exit_zero": True}, []),
        (["-w=0", "--exit-zero=FALSE"], {"watch": False, "exit_zero": False}, []),
        (["-wv=false"], {"watch": True, "verbose": False}, []),
        (["web", "--", "-n=shop"], {}, ["web", "-n=shop"]),
        (["--", "--help", "--", "-Zn"], {}, ["--help", "--", "-Zn"]),
        (["", "web"], {}, ["", "web"]),
        (["-f", "-", "-"], {"filename": ["-"]}, ["-"]),
        (["--context=a=b"], {"context": "a=b"}, []),
        (["--context="], {"context": ""}, []),
    ],
)
def test_a_command_line_means_what_it_means_to_kubectl(
    arguments: list[str], typed: dict[str, Any], words: list[str]
) -> None:
    assert parse(load("diagnose"), "refused", arguments) == (words, typed)
    assert so_far(arguments, OPTIONS) == plainly(arguments, OPTIONS) == (words, typed)


@pytest.mark.parametrize("arguments", [["-h"], ["web", "--help", "--bogus"], ["-wh"]])
def test_help_wins(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert plainly(arguments, OPTIONS) is None
    assert parse(load("diagnose"), "refused", arguments) is None
    assert capsys.readouterr().out.startswith("Usage: refused [OPTIONS] [svc/NAME[:PORT]]...\n")


def test_help_tells_what_each_option_is_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("diagnose", "scan", "cleanup"):
        assert parse(load(name), "refused", ["--help"]) is None
        page = " ".join(capsys.readouterr().out.split())
        assert [
            o.default for o in load(name).options if f"[default: {o.default or 'x'}]" not in page and o.default
        ] == []


@pytest.mark.parametrize("arguments", [["-n"], ["-n", "shop", "--bogus", "web"], ["--exit-zero=maybe"], ["-wZn"]])
def test_a_line_that_is_still_being_typed_is_read_as_far_as_it_goes(arguments: list[str]) -> None:
    with pytest.raises(UsageProblem):
        parse(load("diagnose"), "refused", arguments)
    shop = arguments[1:2] == ["shop"]
    assert so_far(arguments, OPTIONS) == ((["web"], {"namespace": "shop"}) if shop else ([], {}))


def test_every_connection_flag_reaches_its_field() -> None:
    typed: list[str] = []
    for option in CONNECTION:
        typed += [option.name, *(["5s" if option.key == "request_timeout" else "x"] if option.metavar else [])]
    options = _request("svc/web", *typed).connection
    expected: dict[str, Any] = {}
    for option in CONNECTION:
        value: Any = ("x",) if option.repeatable else "x" if option.metavar else True
        expected[option.key] = "5s" if option.key == "request_timeout" else value
    assert options == ConnectionOptions(**expected)


def test_defaults() -> None:
    request = _request("svc/web")
    assert request.connection == ConnectionOptions()
    assert request.probing.depth is Depth.PODS
    assert (request.files, request.output, request.exit_zero) == ((), "", False)
    assert [target.namespace for target in request.targets] == [""]


def test_options_stand_anywhere_and_repeat() -> None:
    request = _request(
        "-f", "a.yaml", "svc", "--as-group=x", "web", "-f=b.yaml,c.yaml", "--as-group", "y", "--as=z"
    )
    assert request.files == ("a.yaml", "b.yaml", "c.yaml")
    assert request.connection.impersonate_groups == ("x", "y")
    assert [str(target) for target in request.targets] == ["svc/web"]


def test_probing() -> None:
    probing = _request("web", "--probe=all", "--image", "i", "--image-pull-secret=s").probing
    assert (probing.depth, probing.image, probing.image_pull_secret) == (Depth.ALL, "i", "s")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no Service is named; type svc/NAME"),
        (["web", "--probe", "some"], "--probe some is not known; type --probe none|passive|pods|all"),
        (["web", "-o=xml"], "--output xml is not known"),
        (["web", "--request-timeout=soon"], "--request-timeout=soon is no duration"),
        (["web", "-n", "Shop"], "'Shop' is no namespace name"),
        (["web", "--namespce=x"], "there is no option --namespce; did you mean --namespace?"),
        (["web", "-Zn"], "there is no option -Z in -Zn; --help lists what there is"),
        (["web", "-wZn"], "there is no option -Z in -wZn; --help lists what there is"),
        (["web", "-Z"], "there is no option -Z; --help lists what there is"),
        (["web", "-nshop", "-wn"], "-n lacks its value; type -n NAME"),
        (["web", "--namespace"], "--namespace lacks its value; type --namespace NAME"),
        (["web", "-n"], "-n lacks its value; type -n NAME"),
        (["web", "-w=maybe"], "--watch=maybe is neither true nor false; type --watch"),
        (
            ["node/n1:80", "--entrances"],
            "--entrances finds what leads to a Service, and node/n1:80 is none; type svc",
        ),
        (["web", "--entrances", "--watch"], "--entrances and --watch do not go together; leave one of them away"),
        (["web", "--entrances", "-f", "x.yaml"], "--entrances and -f do not go together"),
        (["node/n1:80", "-f", "x.yaml"], "node/n1:80 is asked about in a cluster only, and -f reads files"),
        (["lb/web", "--wait", "9s"], "--wait is of a Service, and lb/web is none"),
        (["web", "--exit-zero=maybe"], "--exit-zero=maybe is neither true nor false; type --exit-zero"),
        (["web", "--\x1b[31m"], r"\x1b[31m"),
        (["\x1b[31m"], r"'\x1b[31m' is no Service name"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], says: str) -> None:
    assert says in _problem(*arguments)


def test_printed_commands_reach_the_same_cluster_and_hold_no_secret() -> None:
    (target,) = _request(
        "web", "--context=kind dev", "--token=sesame", "--as=jane", "--as-group=devs", "-s", "https://a:1"
    ).targets
    assert target.kubectl.startswith("kubectl --context 'kind dev'")
    assert "sesame" not in target.kubectl
    assert {"--as jane", "--as-group devs", '--token "$TOKEN"', "--server https://a:1"} <= {
        part
        for part in ("--as jane", "--as-group devs", '--token "$TOKEN"', "--server https://a:1")
        if part in target.kubectl
    }


def test_option_names_are_unique() -> None:
    for command in ("diagnose", "causes", "explain", "cleanup"):
        spellings = [name for option in load(command).options for name in option.names]
        assert len(spellings) == len(set(spellings))
        assert not {"-h", "--help"} & set(spellings)


@pytest.mark.parametrize("name", ["scan", "causes", "cleanup"])
@pytest.mark.parametrize(("word", "target"), [("web", "svc/web"), ("svc/web", "svc/web")])
def test_a_name_behind_a_command_that_takes_none(name: str, word: str, target: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        invoke(load(name), "kubectl refused", [word])
    says = f"{name} takes no name, and {word} is one; leave it away; for a Service type kubectl refused {target}"
    assert caught.value.message == says


ODD = st.sampled_from(
    [
        "",
        "-",
        "--",
        "-x",
        "-=",
        "--=",
        "--probe",
        "--probe=",
        "-o",
        "-oxml",
        "-vvv",
        "-w=",
        "--fix=2",
        "\x1b",
        "�",
        "-n",
        "-hn",
        "--help=1",
        "scan",
        "--no-watch",
        "--wait",
        "--dials",
        "--ignore=,",
        "--report",
        "-A",
        "-l",
        "\x00",
    ]
)


def _odd(arguments: list[str], options: tuple[Option, ...]) -> str:
    """What is told of an odd line before typer has to read it; empty where it has to."""
    try:
        assert plainly(arguments, options) is None
    except UsageProblem as problem:
        return problem.message
    return ""


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(["diagnose", *names()]), arguments=st.lists(ODD | st.text(max_size=8), max_size=4))
def test_odd_command_lines_end_in_one_line(name: str, arguments: list[str]) -> None:
    """No command line makes a parser speak in its own words, or in several lines."""
    command, said = load(name), ""
    try:
        with contextlib.redirect_stdout(io.StringIO()) as page:
            read = parse(command, "refused", arguments)
        # Completion reads lines itself, as typer takes too long for that.
        assert page.getvalue() if read is None else read == so_far(arguments, command.options)
        assert plainly(arguments, command.options) == read
    except UsageProblem as problem:
        said = problem.message
        assert _odd(arguments, command.options) in ("", said)
        assert "; " in said, "it says what to type"
    assert not said or said.isprintable()
