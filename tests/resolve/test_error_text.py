"""Error texts of many programs, and what no program should have written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.resolve.error_places import places
from kubectl_refused.resolve.error_text import LONGEST_LINE, MOST, ErrorText, failures_in
from kubectl_refused.resolve.error_words import _TOLD, may_tell

IP, NAME = "10.96.3.7", "web.shop.svc.cluster.local"


def told(text: str) -> set[tuple[str, str, int]]:
    return {(f.how, f.place.host, f.place.port) for f in failures_in(text.encode())}


@pytest.mark.parametrize(
    ("text", "how", "host", "port"),
    [
        # Go
        ("dial tcp 10.96.3.7:80: connect: connection refused", "refused", IP, 80),
        ('Get "http://web.shop/": dial tcp 10.96.3.7:80: i/o timeout', "timed out", IP, 80),
        ("dial tcp [fd00::7]:80: connect: no route to host", "no route", "fd00::7", 80),
        ("read tcp 10.1.0.2:51234->10.96.3.7:80: read: connection reset by peer", "reset", IP, 80),
        (f"dial tcp: lookup {NAME} on 10.96.0.10:53: no such host", "no such host", NAME, 0),
        (
            'rpc error: desc = "transport: Error while dialing: dial tcp 10.96.3.7:80: connection refused"',
            "refused",
            IP,
            80,
        ),
        ('Error from server (ServiceUnavailable): no endpoints available for service "web"', "failed", "web", 0),
        (
            '{"kind":"Status","message":"no endpoints available for service \\"https:web:\\"","code":503}',
            "failed",
            "web",
            0,
        ),
        # Python
        (
            "HTTPConnectionPool(host='web.shop.svc', port=80): Max retries exceeded with url: / (Caused by "
            "NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new "
            "connection: [Errno 111] Connection refused'))",
            "refused",
            "web.shop.svc",
            80,
        ),
        (
            'Error: connection to server at "db.shop" (10.96.3.7), port 5432 failed: Connection refused',
            "refused",
            IP,
            5432,
        ),
        (
            'could not connect to server: Connection refused\n\tIs the server running on host "db" (10.96.3.7) '
            "and accepting\n\tTCP/IP connections on port 5432?",
            "refused",
            "db",
            5432,
        ),
        (
            "aiohttp: Cannot connect to host web:80 ssl:default [Connect call failed ('10.96.3.7', 80)]",
            "refused",
            IP,
            80,
        ),
        (
            "redis.exceptions.ConnectionError: Error 111 connecting to redis.shop:6379. Connection refused.",
            "refused",
            "redis.shop",
            6379,
        ),
        (
            "pymongo.errors.ServerSelectionTimeoutError: mongo.shop:27017: [Errno 111] Connection refused",
            "refused",
            "mongo.shop",
            27017,
        ),
        # Node.js
        (
            "Error: connect ECONNREFUSED 10.96.3.7:80\n    at TCPConnectWrap.afterConnect (node:net:1494:16) {",
            "refused",
            IP,
            80,
        ),
        ("Error: connect ECONNREFUSED ::1:80", "refused", "::1", 80),
        ("Error: getaddrinfo ENOTFOUND web.shop", "no such host", "web.shop", 0),
        (
            "FetchError: request to http://web:80/ failed, reason: connect ETIMEDOUT 10.96.3.7:80",
            "timed out",
            IP,
            80,
        ),
        # The JVM
        ("java.net.ConnectException: Failed to connect to web/10.96.3.7:80", "failed", IP, 80),
        ("AnnotatedConnectException: Connection refused: web.shop/10.96.3.7:80", "refused", IP, 80),
        (
            "Connect to web.shop:80 [web.shop/10.96.3.7] failed: Connection refused (Connection refused)",
            "refused",
            "web.shop",
            80,
        ),
        (
            'I/O error on GET request for "http://web.shop:8080/api": Connection refused',
            "refused",
            "web.shop",
            8080,
        ),
        (
            "PSQLException: Connection to db.shop:5432 refused. Check that the hostname and port are correct",
            "refused",
            "db.shop",
            5432,
        ),
        ("java.net.UnknownHostException: web.shop", "no such host", "web.shop", 0),
        # curl, wget, nc, bash
        (
            "curl: (7) Failed to connect to web.shop.svc port 80 after 2 ms: Couldn't connect to server",
            "refused",
            "web.shop.svc",
            80,
        ),
        ("* connect to 10.96.3.7 port 80 failed: Connection refused", "refused", IP, 80),
        ("curl: (6) Could not resolve host: web.shop", "no such host", "web.shop", 0),
        ("Connecting to web (web)|10.96.3.7|:80... failed: Connection refused.", "refused", IP, 80),
        ("wget: can't connect to remote host (10.96.3.7): Connection refused", "refused", IP, 0),
        ("nc: connect to web (10.96.3.7) port 80 (tcp) failed: Connection refused", "refused", IP, 80),
        ("bash: line 1: /dev/tcp/10.96.3.7/80: Connection refused", "refused", IP, 80),
        # nginx, Redis, MySQL, Kafka, .NET, Ruby, browsers, gRPC
        (
            "[error] connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.0.9, "
            'server: , request: "GET / HTTP/1.1", upstream: "http://10.96.3.7:80/", host: "shop.example"',
            "refused",
            IP,
            80,
        ),
        ("Could not connect to Redis at redis.shop:6379: Connection refused", "refused", "redis.shop", 6379),
        ("ERROR 2003 (HY000): Can't connect to MySQL server on 'db.shop:3306' (111)", "refused", "db.shop", 3306),
        ("Connection to node -1 (kafka/10.96.3.7:9092) could not be established.", "failed", IP, 9092),
        (
            "kafka.shop:9092/bootstrap: Connect to ipv4#10.96.3.7:9092 failed: Connection refused",
            "refused",
            IP,
            9092,
        ),
        ("HttpRequestException: Connection refused (web.shop:80)", "refused", "web.shop", 80),
        (
            'Failed to open TCP connection to web.shop:80 (Connection refused - connect(2) for "web.shop")',
            "refused",
            "web.shop",
            80,
        ),
        ("page.goto: net::ERR_CONNECTION_REFUSED at http://web.shop/login", "refused", "web.shop", 80),
        (
            "last error: UNKNOWN: ipv4:10.96.3.7:50051: Failed to connect to remote host: Connection refused",
            "refused",
            IP,
            50051,
        ),
        (
            "error sending request for url (http://web.shop/): tcp connect error: refused (os error 111)",
            "refused",
            "web.shop",
            80,
        ),
        ("dial tcp web:80: connect: connection refused", "refused", "web", 80),
        ("\x1b[31mdial tcp \x1b[1m10.96.3.7\x1b[0m:80: connect: connection refused\x1b[0m", "refused", IP, 80),
    ],
)
def test_what_programs_write(text: str, how: str, host: str, port: int) -> None:
    assert (how, host, port) in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "main.go:57: dial failed",
        "    foo_test.go:31: connection refused",
        "--- FAIL: TestShop (12:30:45)",
        "listening on 10.96.3.7:80",
        "connection refused",
        "",
    ],
)
def test_what_tells_of_no_connection(text: str) -> None:
    assert told(text) == set()


def test_the_other_end_and_the_name_server_are_not_meant() -> None:
    assert told("read tcp 10.1.0.2:51234->10.96.3.7:80: i/o timeout") == {("timed out", IP, 80)}
    assert told("dial tcp: lookup web.shop on 10.96.0.10:53: no such host") == {("no such host", "web.shop", 0)}


def test_an_address_before_or_behind_the_error_counts() -> None:
    assert told("Connecting to 10.96.3.7:80\nfailed: Connection refused") == {("refused", IP, 80)}
    assert told("ConnectError: [Errno 111] Connection refused\n  trying\n  http://web.shop/") == {
        ("refused", "web.shop", 80)
    }
    assert told("http://web.shop/\na\nb\nConnection refused\nc\nd\ne\nhttp://cart.shop/") == set()


def test_they_are_counted_with_their_first_line_and_time() -> None:
    reader = ErrorText()
    for at in (1.0, 2.0, 3.0):
        reader.feed(b"token=abcdef0123456789 dial tcp 10.96.3.7:80: connect: connection refused\n", at)
    (failure,) = reader.end()
    assert (failure.times, failure.first, failure.last) == (3, 1.0, 3.0)
    assert "abcdef" not in failure.line


def test_pieces_of_any_size_make_the_same() -> None:
    text = b"x\nError: connect ECONNREFUSED 10.96.3.7:80\r\n\xff\nlookup web.shop: no such host"
    whole = [(f.how, f.place) for f in failures_in(text)]
    for size in (1, 2, 7):
        reader = ErrorText()
        for start in range(0, len(text), size):
            reader.feed(text[start : start + size])
        assert [(f.how, f.place) for f in reader.end()] == whole
    assert len(whole) == 2


def test_memory_is_bounded() -> None:
    reader = ErrorText()
    for number in range(MOST + 50):
        reader.feed(f"dial tcp 10.0.{number // 250}.{number % 250}:80: connection refused\n".encode())
    for _ in range(20):
        reader.feed(b"connection refused " * 5000)
    assert (len(reader.failures), reader.left_out) == (MOST, 50)
    assert len(reader._begun) <= LONGEST_LINE


@pytest.mark.parametrize("pattern", [pattern for _, pattern in _TOLD])
def test_the_quick_look_misses_nothing(pattern: str) -> None:
    @given(st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii")))
    @settings(deadline=None)
    def check(text: str) -> None:
        assert may_tell(text.lower().encode())

    check()


@given(st.binary(max_size=4000))
@settings(deadline=None)
def test_any_bytes_end_well(data: bytes) -> None:
    for failure in failures_in(data):
        assert 0 <= failure.place.port <= 65535
        assert failure.line.isprintable()


_PIECES = st.sampled_from(
    [
        "connection refused",
        "10.96.3.7",
        ":80",
        "[",
        "fd00::1",
        "]",
        "http://",
        "web",
        ".shop",
        "->",
        " port ",
        "\n",
        "host='",
        "', port=",
        "lookup ",
        " on ",
        '"',
        "upstream: ",
        "ECONNREFUSED ",
        "a" * 300,
        ":" * 40,
        "1.",
        "\x1b[31m",
    ]
)


@given(st.lists(_PIECES, max_size=60).map("".join))
@settings(deadline=None)
def test_pieces_of_errors_end_well(text: str) -> None:
    for place in places(text):
        assert place.host
        assert place.host == place.host.lower()
