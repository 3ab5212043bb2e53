"""Containers without Kubernetes on a real Docker engine: every fault made with `docker run`, and mended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.shell import run as shell
from tests.docker_engine import engine as engines
from tests.docker_engine.engine import BARE, IMAGE, Engine
from tests.docker_engine.podman import serving
from tests.docker_engine.supervisor import LOOPBACK, TCP

from .host_shop import LISTENER, held
from .tool import RUN_SECONDS, Answer
from .tool import until as until_within

SECONDS = (
    90.0  # eleven containers at once take a busy machine ten seconds to judge, and each look is of one moment
)
HTTPD = (IMAGE, "httpd", "-f", "-p", "8080")
SHELL = (IMAGE, "sh", "-c")
# As if the engine ran without them (userland-proxy: false).
END_PROXIES = """for one in /proc/[0-9]*; do
    case "$(tr '\\0' ' ' < $one/cmdline)" in *docker-proxy*-host-port\\ 18142*) kill -9 ${one#/proc/};; esac
done"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for the module, which ends without a trace."""
    made = engines.start(f"live-{os.getpid()}")
    try:
        yield made
    finally:
        made.end()
    assert not made.state.exists()


def refused(engine: Engine, *words: str, probe: str = "pods") -> Answer:
    """Our command, on the engine's machine."""
    done = subprocess.run(
        [*engine.enter(), sys.executable, "-m", "kubectl_refused", *words, "--probe", probe, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={
            **os.environ,
            **engine.environment(),
            "KUBECONFIG": os.devnull,
            "PYTHONPATH": str(engines.CHECKOUT),
        },
        stdin=subprocess.DEVNULL,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def over_tls(engine: Engine, host: str, whose: str = "client") -> dict[str, str]:
    """Variables for the engine's TCP port."""
    return {"DOCKER_HOST": host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": engine.certificates(whose)}


def run(engine: Engine, name: str, *words: str) -> None:
    """Start a container; one that cannot be started is there nevertheless."""
    engine.docker("run", "-d", "--name", name, *words, check=False)


def until(answers: Callable[[], Answer], holds: Callable[[Answer], bool]) -> Answer:
    """Ask again until the answer holds, which it must."""
    answer = until_within(answers, holds, seconds=SECONDS)
    assert holds(answer), (roots(answer) if answer.out else "", answer)
    return answer


UNHEALTHY = ("--health-cmd", "echo the queue is stuck; exit 1")
# Root, options and command of the fault; the healthy container differs in nothing else.
FAULTS = {
    "port-not-published": (("--expose", "8080"), HTTPD),
    "port-published-as-udp": (("-p", "18101:8080/udp"), HTTPD),
    "host-network-ignores-ports": (("--network", "host", "-p", "18102:8080"), HTTPD),
    "network-leads-nowhere": (("--network", "none", "-p", "18103:8080"), HTTPD),
    "container-listens-on-loopback": (("-p", "18104:8080"), (IMAGE, "httpd", "-f", "-p", "127.0.0.1:8080")),
    "published-to-wrong-port": (("-p", "18105:80"), HTTPD),
    "no-listener-in-container": (("-p", "18106:8080"), (IMAGE, "sleep", "1000")),
    "container-not-running": (("-p", "18107:8080"), (*SHELL, "echo 'Error: DATABASE_URL is not set'; exit 3")),
    "container-out-of-memory": (("-m", "16m", "-p", "18108:8080"), (*SHELL, "exec tail /dev/zero")),
    "container-restarts": (("--restart", "always", "-p", "18109:8080"), (*SHELL, "echo 'fatal: boom'; exit 1")),
    "container-unhealthy": (
        (
            "-p",
            "18110:8080",
            "--health-cmd",
            "echo the queue is stuck; exit 1",
            "--health-interval",
            "1s",
            "--health-retries",
            "1",
        ),
        (IMAGE, "nc", "-ll", "-p", "8080", "-e", "true"),
    ),
}


def roots(answer: Answer) -> dict[str, str | None]:
    """The root of each target, or how it ended where there is none."""
    found = ((item["target"].partition("/")[2], item) for item in answer.report["items"])
    return {name: item["root"]["name"] if item["root"] else item["outcome"] for name, item in found}


def test_every_fault_is_found_and_every_mended_container_accepts(engine: Engine) -> None:
    targets = [f"docker/{root}" for root in FAULTS]
    for root, (options, command) in FAULTS.items():
        run(engine, root, *options, *command)
    broken = until(
        lambda: refused(engine, *targets), lambda answer: roots(answer) == {root: root for root in FAULTS}
    )
    assert broken.code == 1
    assert {item["targetKind"] for item in broken.report["items"]} == {"Container"}
    told = next(item["root"] for item in broken.report["items"] if item["root"]["name"] == "container-unhealthy")
    assert told["evidence"][0]["says"] == "its health check fails, with exit code 1: the queue is stuck"
    engine.docker("rm", "-f", *FAULTS)
    for at, root in enumerate(FAULTS):
        run(engine, root, "-p", f"{18130 + at}:8080", *HTTPD)
    mended = until(lambda: refused(engine, *targets), lambda answer: answer.code == 0)
    assert roots(mended) == dict.fromkeys(FAULTS, "accepted")
    engine.docker("rm", "-f", *FAULTS)


def test_localhost_and_the_hosts_own_address_are_both_dialled_and_differ(engine: Engine) -> None:
    run(engine, "lo", "-p", "18120:8080", IMAGE, "httpd", "-f", "-p", "127.0.0.1:8080")
    told = until(lambda: refused(engine, "docker/lo"), lambda answer: answer.root is not None)
    (path,) = told.report["paths"]
    ended = {dial["address"]: dial["outcome"] for dial in path["dials"]}
    assert (ended["127.0.0.1:18120"], ended["10.204.0.1:18120"]) == ("reset", "refused"), told
    kinds = {evidence["kind"] for evidence in told.report["root"]["evidence"]}
    assert kinds == {"sockets", "packet"}
    assert told.report["touched"] == [], "its sockets are read out of /proc"
    engine.docker("rm", "-f", "lo")


def test_a_paused_container_accepts_and_never_answers(engine: Engine) -> None:
    run(engine, "pausing", "-p", "18121:8080", *HTTPD)
    engine.docker("pause", "pausing")
    told = refused(engine, "docker/pausing")
    assert (told.root, told.code) == ("container-paused", 1)
    assert told.report["root"]["fix"]["command"] == "docker unpause pausing"
    engine.docker("unpause", "pausing")
    assert refused(engine, "docker/pausing").code == 0
    engine.docker("rm", "-f", "pausing")


def test_a_taken_port_is_told_with_who_has_it(engine: Engine) -> None:
    run(engine, "first", "-p", "18122:8080", *HTTPD)
    run(engine, "second", "-p", "18122:8080", *HTTPD)
    told = refused(engine, "docker/second")
    assert (told.root, told.code) == ("host-port-taken", 1)
    assert "container first" in told.report["root"]["says"]
    assert refused(engine, "docker/first").code == 0
    engine.docker("rm", "-f", "first", "second")


def test_between_containers_network_and_port_decide(engine: Engine) -> None:
    engine.docker("network", "create", "shop")
    run(engine, "db", "--network", "shop", "-p", "18123:8080", *HTTPD)
    run(engine, "cart", "--network", "shop", IMAGE, "sleep", "1000")
    run(engine, "lone", IMAGE, "sleep", "1000")
    well = until(lambda: refused(engine, "docker/db", "--from", "docker/cart"), lambda answer: answer.code == 0)
    assert well.report["paths"][0]["vantage"] == "inside docker/cart"
    host_port = refused(engine, "docker/db:18123", "--from", "docker/cart")
    assert (host_port.root, host_port.code) == ("published-port-between-containers", 1)
    apart = refused(engine, "docker/db", "--from", "docker/lone")
    assert (apart.root, apart.code) == ("networks-not-shared", 1)
    engine.docker(*apart.report["root"]["fix"]["command"].removeprefix("docker ").split())
    assert until(lambda: refused(engine, "docker/db", "--from", "docker/lone"), lambda answer: answer.code == 0)
    run(engine, "misled", "--network", "shop", "-e", "DB_URL=http://localhost:8080/", IMAGE, "sleep", "1000")
    told = refused(engine, "docker/db", "--from", "docker/misled")
    assert (told.root, told.code) == ("localhost-inside-container", 3), told
    engine.docker("rm", "-f", "db", "cart", "lone", "misled")


def test_who_does_not_exist_is_told_with_the_nearest_name(engine: Engine) -> None:
    run(engine, "webshop", "-p", "18124:8080", *HTTPD)
    told = refused(engine, "docker/webshup")
    assert (told.root, told.code) == ("no-such-container", 1)
    assert "webshop" in told.report["root"]["fix"]["summary"]
    client = refused(engine, "docker/webshop", "--from", "docker/webshup")
    assert (client.code, client.err.count("\n")) == (2, 1)
    assert client.err.endswith("did you mean docker/webshop?\n")
    engine.docker("rm", "-f", "webshop")


def test_no_engine_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_refused", "docker/web"],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert "no container engine is at" in done.stderr


def test_an_image_without_tools_is_read_by_a_helper_that_goes_away(engine: Engine) -> None:
    """Where /proc does not tell: the engine has a PID namespace of its own, so its numbers mean others here."""
    run(engine, "bare", "-p", "18125:8080", BARE, "/httpd", "-f", "-p", "127.0.0.1:8080")
    enter = ["nsenter", "-t", str(engine.first.pid), "--net", "--"]
    done = subprocess.run(
        [*enter, sys.executable, "-m", "kubectl_refused", "docker/bare", "-o", "json"],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={**os.environ, "DOCKER_HOST": engine.host, "PYTHONPATH": str(engines.CHECKOUT)},
    )
    told = Answer(done.returncode, done.stdout, done.stderr)
    assert told.root == "container-listens-on-loopback", told
    assert told.report["root"]["evidence"][0]["witness"] == "a helper beside bare"
    (helper,) = (one for one in told.report["touched"] if one["what"].startswith("container/refused-"))
    assert helper["undone"] == "removed"
    assert engine.docker("ps", "-a", "--format", "{{.Names}}") == "bare"
    engine.docker("rm", "-f", "bare")


def test_an_engine_on_another_machine_publishes_there(engine: Engine) -> None:
    run(engine, "far", "-p", "18126:8080", *HTTPD)
    done = subprocess.run(
        [*engine.enter_client(), sys.executable, "-m", "kubectl_refused", "docker/far", "-o", "json"],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={**os.environ, "PYTHONPATH": str(engines.CHECKOUT), **over_tls(engine, TCP)},
    )
    told = Answer(done.returncode, done.stdout, done.stderr)
    assert (told.root, told.code) == ("engine-elsewhere", 1), told
    assert told.report["root"]["fix"]["summary"] == "Dial 10.204.0.1:18126"
    assert until(lambda: refused(engine, "docker/far"), lambda answer: answer.code == 0)
    engine.docker("rm", "-f", "far")


def test_a_port_on_loopback_is_a_note_where_it_works(engine: Engine) -> None:
    run(engine, "own", "-p", "127.0.0.1:18127:8080", *HTTPD)
    told = until(lambda: refused(engine, "docker/own"), lambda answer: answer.code == 0)
    assert "published-on-loopback-only" in [note["name"] for note in told.report["notes"]]
    engine.docker("rm", "-f", "own")


def test_localhost_over_ipv6_is_a_note_where_only_ipv4_is_published(engine: Engine) -> None:
    run(engine, "four", "-p", "0.0.0.0:18128:8080", *HTTPD)
    told = until(lambda: refused(engine, "docker/four"), lambda answer: answer.code == 0)
    assert [note["name"] for note in told.report["notes"]] == ["localhost-is-ipv6-first"]
    engine.docker("rm", "-f", "four")


def test_services_of_compose_are_known_by_their_labels_and_a_scan_tells_all(engine: Engine) -> None:
    """As compose labels what it makes; the same service of another project is another one."""
    for project, port, bind in (("shop", 18140, "127.0.0.1:8080"), ("blog", 18141, "8080")):
        labels = ("--label", f"com.docker.compose.project={project}", "--label", "com.docker.compose.service=web")
        run(engine, f"{project}-web-1", *labels, "-p", f"{port}:8080", IMAGE, "httpd", "-f", "-p", bind)
    words = ("compose/shop/web", "compose/blog/web", "compose/shop/wep")
    told = until(lambda: refused(engine, *words), lambda answer: "accepted" in roots(answer).values())
    assert roots(told) == {"shop/web": "container-listens-on-loopback", "blog/web": "accepted",
                           "shop/wep": "no-such-container"}, told  # fmt: skip
    run(engine, "work", IMAGE, "true")
    engine.docker("wait", "work")
    scan = refused(engine, "scan", "docker")
    states = {row["target"]: (row["state"], row["name"]) for row in scan.report["rows"]}
    assert states["docker/shop-web-1"] == ("broken", "container-listens-on-loopback"), scan
    assert (states["docker/blog-web-1"], states["docker/work"][0]) == (("works", ""), "idle")
    assert (scan.code, [item["target"] for item in scan.report["items"]]) == (1, ["docker/shop-web-1"])
    engine.docker("rm", "-f", "shop-web-1", "blog-web-1", "work")


def on_machine(engine: Engine, *words: str) -> None:
    """A program on the engine's machine, which must succeed."""
    shell([*engine.enter(), *words], environment=engine.environment())


def test_rules_that_stop_others_and_rules_that_are_gone(engine: Engine) -> None:
    run(engine, "ruled", "-p", "18142:8080", *HTTPD)
    until(lambda: refused(engine, "docker/ruled"), lambda answer: answer.code == 0)
    on_machine(engine, "iptables", "-I", "DOCKER-USER", "-j", "DROP")
    kept_out = until(lambda: refused(engine, "docker/ruled"), lambda answer: answer.code == 0)
    assert "closed-to-clients-elsewhere" in [note["name"] for note in kept_out.report["notes"]]
    on_machine(engine, "iptables", "-D", "DOCKER-USER", "-j", "DROP")
    assert "closed-to-clients-elsewhere" not in refused(engine, "docker/ruled").out
    on_machine(engine, "iptables", "-t", "nat", "-F", "DOCKER")
    on_machine(engine, "sh", "-c", END_PROXIES)
    gone = refused(engine, "docker/ruled")
    assert (gone.root, gone.code) == ("publishing-rules-gone", 1), gone
    engine.docker("restart", "-t", "0", "ruled")
    assert until(lambda: refused(engine, "docker/ruled"), lambda answer: answer.code == 0)
    engine.docker("rm", "-f", "ruled")


def test_who_starts_with_its_server_does_not_wait_and_works_when_started_again(engine: Engine) -> None:
    """As compose labels and starts them: depends_on in its short form."""
    engine.docker("network", "create", "race")
    for service, options, script in (
        ("db", (), "echo > index.html; sleep 3; exec httpd -f -p 8080"),
        ("app", ("-p", "18150:8080"), "wget -O- http://db:8080/ || exit 1; exec httpd -f -p 8080"),
    ):
        labels = {
            "project": "race",
            "service": service,
            "depends_on": "db:service_started:false" * (service == "app"),
        }
        told = [word for key, value in labels.items() for word in ("--label", f"com.docker.compose.{key}={value}")]
        run(
            engine,
            f"race-{service}-1",
            "--network",
            "race",
            "--network-alias",
            service,
            *told,
            *options,
            *SHELL,
            script,
        )
    hasty = until(
        lambda: refused(engine, "compose/race/app"),
        lambda answer: answer.root == "client-did-not-wait-for-server",
    )
    assert hasty.code == 1
    assert "refused" in hasty.report["root"]["evidence"][0]["line"]
    asked = refused(engine, "docker/race-db-1:8080", "--from", "docker/race-app-1")
    assert asked.root == "client-did-not-wait-for-server", asked
    engine.docker(*hasty.report["root"]["fix"]["command"].removeprefix("docker ").split())
    well = until(lambda: refused(engine, "compose/race/app"), lambda answer: answer.code == 0)
    assert well.report["root"] is None
    noted = refused(engine, "docker/race-db-1:8080", "--from", "docker/race-app-1")
    assert (noted.code, [note["code"] for note in noted.report["notes"]]) == (0, ["KR628"]), noted
    engine.docker("rm", "-f", "race-db-1", "race-app-1")


def test_a_server_of_the_host_on_loopback_is_out_of_a_containers_reach(engine: Engine) -> None:
    """By name and by address; what the container has on its own loopback is another matter."""
    run(engine, "asker", "--add-host", "host.docker.internal:host-gateway", IMAGE, "sleep", "1000")
    words = [*engine.enter(), sys.executable, "-c", LISTENER]
    where, client = "host.docker.internal:18160", ("--from", "docker/asker")
    with held([*words, json.dumps([("127.0.0.1", 18160, "tcp")])]):
        told = refused(engine, where, *client)
        assert (told.root, told.code) == ("loopback-server-asked-from-container", 1), told
        assert told.report["root"]["evidence"][0]["listeners"] == ["127.0.0.1:18160"]
        assert refused(engine, "10.204.0.1:18160", *client).root == "loopback-server-asked-from-container"
        assert refused(engine, "localhost:18160", *client).root == "localhost-is-the-container-itself"
    with held([*words, json.dumps([("0.0.0.0", 18160, "tcp")])]):
        well = refused(engine, where, *client)
        assert (well.code, well.report["paths"][0]["vantage"]) == (0, "inside docker/asker"), well
    engine.docker("rm", "-f", "asker")


def by(engine: Engine, target: str = "docker/tls", **variables: str) -> Answer:
    """Our command on the engine's machine, with nothing but these variables to say where the engine is."""
    known = {name: value for name, value in engine.environment().items() if not name.startswith("DOCKER_")}
    done = subprocess.run(
        [*engine.enter(), sys.executable, "-m", "kubectl_refused", target, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={**os.environ, **known, "PYTHONPATH": str(engines.CHECKOUT), **variables},
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_tls_by_variables_and_by_a_context(engine: Engine, tmp_path: Path) -> None:
    run(engine, "tls", "-p", "18161:8080", *HTTPD)
    assert until(lambda: by(engine, **over_tls(engine, LOOPBACK)), lambda answer: answer.code == 0)
    bare = {"DOCKER_CONFIG": str(tmp_path)}
    folder = engine.certificates()
    files = ",".join(
        f"{name}={folder}/{file}.pem" for name, file in (("ca", "ca"), ("cert", "cert"), ("key", "key"))
    )
    environment = {**engine.environment(), **bare}
    del environment["DOCKER_HOST"]
    for words in (("create", "away", "--docker", f"host={LOOPBACK},{files}"), ("use", "away")):
        shell([*engine.enter(), "docker", "context", *words], environment=environment)
    well = by(engine, **bare)
    assert (well.code, well.report["context"]) == (0, LOOPBACK), well
    assert by(engine, **bare, DOCKER_CONTEXT="awya").err == (
        "error: there is no context awya, which DOCKER_CONTEXT names; did you mean DOCKER_CONTEXT=away?\n"
    )
    engine.docker("rm", "-f", "tls")


def test_tls_that_fails_is_one_line_with_what_to_type(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Path(engine.certificates(), "ca.pem").read_bytes())
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for file, whose in (("ca", "client"), ("cert", "stranger"), ("key", "stranger")):
        (mixed / f"{file}.pem").write_bytes(Path(engine.certificates(whose), f"{file}.pem").read_bytes())
    wanted = {
        "without": ({"DOCKER_HOST": LOOPBACK}, "speaks TLS, and was asked without; set DOCKER_TLS_VERIFY=1"),
        "stranger": (over_tls(engine, LOOPBACK, "stranger"), "is not trusted: "),
        "no client": (
            {**over_tls(engine, LOOPBACK), "DOCKER_CERT_PATH": str(tmp_path)},
            "takes no client without a certificate of its CA; set DOCKER_TLS_VERIFY=1",
        ),
        "other client": (
            {**over_tls(engine, LOOPBACK), "DOCKER_CERT_PATH": str(mixed)},
            "takes no client without a certificate of its CA",
        ),
        "no file": (
            {**over_tls(engine, LOOPBACK), "DOCKER_CERT_PATH": str(tmp_path / "none")},
            "there is no ca.pem in",
        ),
    }
    told = {name: by(engine, **variables) for name, (variables, _) in wanted.items()}
    assert {name: (answer.code, answer.out, answer.err.count("\n")) for name, answer in told.items()} == (
        dict.fromkeys(wanted, (4, "", 1))
    )
    assert [name for name, (_, says) in wanted.items() if says not in told[name].err] == [], told


def test_podman_is_asked_by_its_own_socket_and_told_by_its_own_commands(engine: Engine) -> None:
    with serving(engine) as podman:

        def told(name: str) -> Answer:
            return by(engine, f"podman/{name}", CONTAINER_HOST=podman.host)

        for name, port, bind in (("lo", 18170, "127.0.0.1:8080"), ("well", 18171, "8080")):
            podman.podman("run", "-d", "--name", name, "-p", f"{port}:8080", IMAGE, "httpd", "-f", "-p", bind)
        broken = until(lambda: told("lo"), lambda answer: answer.root == "container-listens-on-loopback")
        assert (broken.code, broken.report["target"]) == (1, "podman/lo")
        assert until(lambda: told("well"), lambda answer: answer.code == 0)
        podman.podman("stop", "-t", "0", "well")
        ended = told("well")
        assert (ended.root, ended.code) == ("container-not-running", 1), ended
        assert ended.report["root"]["fix"]["command"] == "podman start well"
        podman.podman(*ended.report["root"]["fix"]["command"].removeprefix("podman ").split())
        assert until(lambda: told("well"), lambda answer: answer.code == 0)
