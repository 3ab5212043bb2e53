"""Reports as an attacker would write them: control and bidi characters, markup, huge and wide names."""

from __future__ import annotations

from hypothesis import strategies as st

from kubectl_refused.model.evidence import (
    Certainty,
    EventEvidence,
    Evidence,
    Fix,
    LogEvidence,
    NearestEvidence,
    ObjectEvidence,
    PacketEvidence,
    SocketEvidence,
    TrialEvidence,
    WitnessEvidence,
)
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import (
    Cell,
    Diagnosis,
    DiagnosisList,
    DialTold,
    Explanation,
    GapTold,
    Hop,
    IgnoredIn,
    IgnoredTold,
    Matrix,
    MatrixRow,
    Mention,
    Moment,
    Note,
    Path,
    Reach,
    Refusal,
    Root,
    Scan,
    ScanRow,
    Source,
    Step,
    Touched,
)

_PIECES = (
    "\x1b[31m", "\x1b]8;;http://evil\x07x\x1b]8;;\x07", "\x1b", "\x9b31m", "\x07", "\r", "\n", "\t", "\x00",
    "\x7f", "\u202e", "\u2066", "\u200b", "\u200d", "\u2028", "\u0085", "\ufeff", "\ufe0f", "\udc80", "[/red]",
    "漢字テスト", "👩\u200d👩\u200d👧", "❤\ufe0f", "é", "e\u0301\u0301", "שלום", "w" * 300, "漢" * 90,
    "  ", " ", "$(id)", "[bold]", "]]>", "-->", "<!--", "</script><script>pwned()</script>", "%0A::error::x",
    "::error::x", "\n::add-mask::a", "##[error]x", '"><img src=x onerror=pwned()>', "`", "```\n", "|", "\\",
    "&lt;", "@everyone", "#1", "https://evil.test/", "[a](https://evil.test)", "</style>", "</summary>",
    "' onload='", "\uffff",
)  # fmt: skip

texts = st.one_of(
    st.lists(st.sampled_from(_PIECES) | st.text(st.characters(), max_size=6), max_size=4).map("".join),
    st.sampled_from(("svc/web:80", "", "httpd (pid 1) is on 127.0.0.1:8080")),
)
_seconds = st.floats(min_value=0, max_value=1e6)
_values = st.none() | st.integers(-(2**53), 2**53) | texts | st.dictionaries(texts, texts, max_size=2)
_told = {"witness": texts, "subject": texts, "says": texts}
_listeners = st.lists(texts, max_size=2).map(tuple)

evidences: st.SearchStrategy[Evidence] = st.one_of(
    st.builds(ObjectEvidence, **_told, field=texts, value=_values),
    st.builds(
        NearestEvidence,
        **_told,
        differs=st.dictionaries(texts, st.tuples(st.none() | texts, st.none() | texts), max_size=2),
    ),
    st.builds(SocketEvidence, **_told, listeners=_listeners, process=texts),
    st.builds(
        PacketEvidence,
        **_told,
        address=texts,
        outcome=st.sampled_from(Outcome).map(str),
        seconds=_seconds,
        offender=texts,
    ),
    st.builds(LogEvidence, **_told, line=texts, previous=st.booleans()),
    st.builds(EventEvidence, **_told, reason=texts),
    st.builds(WitnessEvidence, **_told),
    st.builds(TrialEvidence, **_told, worked=st.booleans()),
)

fixes = st.builds(
    Fix,
    summary=texts,
    command=st.none() | texts,
    patch=st.none() | st.dictionaries(texts, _values, max_size=2),
    owner=st.none() | texts,
)
roots = st.builds(
    Root,
    code=st.sampled_from(("KR201", "KR403")),
    name=st.sampled_from(("selector-matches-nothing", "listens-on-loopback")),
    certainty=st.sampled_from(Certainty),
    where=texts,
    says=texts,
    headline=texts,
    evidence=st.lists(evidences, max_size=3).map(tuple),
    fix=st.none() | fixes,
    source=st.none() | st.builds(Source, file=texts, line=st.integers(1, 2**31)),
)
_hops = st.builds(
    Hop,
    role=st.sampled_from(("client", "name", "entrance", "endpoints", "endpoint", "process")),
    label=texts,
    status=st.sampled_from(("ok", "broken", "unknown", "start")),
    note=texts,
)
_steps = st.builds(
    Step,
    role=st.sampled_from(("url", "dns", "address", "entrance", "rule", "service", "slice", "pod", "process")),
    label=texts,
    status=st.sampled_from(("ok", "broken", "unknown", "start")),
    witness=texts,
    says=texts,
    note=texts,
)
_ignored = st.builds(
    IgnoredTold,
    code=st.just("KR403"),
    name=st.just("listens-on-loopback"),
    certainty=st.sampled_from(Certainty),
    where=texts,
    says=texts,
    by=texts,
    reason=texts,
)
_dials = st.builds(
    DialTold,
    address=texts,
    outcome=st.sampled_from(Outcome),
    seconds=_seconds,
    witness=texts,
    rejected_by=texts,
)
paths = st.builds(
    Path,
    vantage=texts,
    entrance=texts,
    port=st.just("80") | texts,
    family=st.sampled_from(("IPv4", "IPv6")),
    outcome=st.sampled_from(Outcome),
    root=st.none() | roots,
    chain=st.lists(roots, max_size=1).map(tuple),
    hops=st.lists(_hops, max_size=5).map(tuple),
    dials=st.lists(_dials, max_size=1).map(tuple),
    summary=texts,
    ignored=st.lists(_ignored, max_size=1).map(tuple),
    rule=st.just("") | texts,
    way=st.lists(_steps, max_size=4).map(tuple),
)
_heard = st.dictionaries(st.sampled_from([outcome.value for outcome in Outcome]), st.integers(1, 20), max_size=3)
_seen = st.builds(Cell, outcome=st.sampled_from(Outcome), heard=_heard)


def _table(places: int) -> st.SearchStrategy[Matrix]:
    """A table of so many vantages, for a port that a path may have too."""
    row = st.builds(
        MatrixRow,
        address=texts,
        name=texts,
        cells=st.lists(_seen, min_size=places, max_size=places).map(tuple),
        owner=texts,
        entrance=st.booleans(),
    )
    return st.builds(
        Matrix,
        port=st.just("80") | texts,
        family=st.sampled_from(("IPv4", "IPv6")),
        vantages=st.lists(texts, min_size=places, max_size=places).map(tuple),
        rows=st.lists(row, min_size=1, max_size=4).map(tuple),
        sentence=texts,
    )


notes = st.builds(
    Note,
    code=st.just("KR313"),
    name=st.just("policy-not-enforced"),
    certainty=st.sampled_from(Certainty),
    where=texts,
    says=texts,
    evidence=st.lists(evidences, max_size=2).map(tuple),
    advice=texts,
)
matrices = st.integers(1, 5).flatmap(_table)
diagnoses = st.builds(
    Diagnosis,
    target=texts,
    context=texts,
    namespace=texts,
    depth=st.sampled_from(("objects", "passive", "packets")),
    outcome=st.sampled_from(Outcome),
    root=st.none() | roots,
    paths=st.lists(paths, max_size=2).map(tuple),
    gaps=st.lists(st.builds(GapTold, what=texts, because=texts, remedy=texts), max_size=2).map(tuple),
    touched=st.lists(st.builds(Touched, what=texts, undone=texts), max_size=2).map(tuple),
    complete=st.booleans(),
    matrices=st.lists(matrices, max_size=2).map(tuple),
    notes=st.lists(notes, max_size=2).map(tuple),
)
lists = st.builds(DiagnosisList, items=st.lists(diagnoses, max_size=5).map(tuple))
_rows = st.builds(
    ScanRow,
    target=texts,
    namespace=texts,
    state=st.sampled_from(("broken", "unjudged", "idle", "ignored", "works")),
    outcome=st.sampled_from(Outcome),
    ports=st.lists(texts, max_size=5).map(tuple),
    failing=st.integers(0, 3),
    paths=st.integers(0, 3),
    code=st.sampled_from(("", "KR403")),
    name=st.just("listens-on-loopback"),
    certainty=st.sampled_from(("", "proved", "likely", "possible")),
    says=texts,
)
_reach = st.builds(
    Reach,
    vantage=texts,
    accepting=st.integers(0, 9),
    failing=st.integers(0, 9),
    unknown=st.integers(0, 9),
)
scans = st.builds(
    Scan,
    context=texts,
    namespace=texts,
    selector=texts,
    depth=st.sampled_from(("objects", "passive", "packets")),
    fail_on=st.sampled_from(("proved", "likely", "any")),
    rows=st.lists(_rows, max_size=4).map(tuple),
    counts=st.dictionaries(st.sampled_from(("broken", "works", "idle")), st.integers(0, 9), max_size=3),
    items=st.lists(diagnoses, max_size=2).map(tuple),
    ignored=st.lists(st.builds(IgnoredIn, target=texts, namespace=texts, finding=_ignored), max_size=2).map(tuple),
    gaps=st.lists(st.builds(GapTold, what=texts, because=texts, remedy=texts), max_size=2).map(tuple),
    touched=st.lists(st.builds(Touched, what=texts, undone=texts), max_size=2).map(tuple),
    complete=st.booleans(),
    reach=st.lists(_reach, max_size=2, unique_by=lambda one: one.vantage).map(tuple),
)

_numbers = st.floats(min_value=-1, max_value=1e4).map(lambda n: round(n, 1))
_mentions = st.builds(
    Mention,
    address=texts,
    how=st.sampled_from(("refused", "timed out")),
    times=st.integers(1, 10**6),
    line=texts,
    means=texts,
    target=texts,
    namespace=texts,
    first=st.none() | _numbers,
)
_refusals = st.builds(
    Refusal,
    target=texts,
    namespace=texts,
    start=_numbers,
    end=st.none() | _numbers,
    cause=st.sampled_from(("start-up", "crash", "unknown")),
    says=texts,
    advice=texts,
    code=st.sampled_from(("", "KR409")),
    partly=st.booleans(),
    named=st.booleans(),
)
explanations = st.builds(
    Explanation,
    context=texts,
    namespace=texts,
    command=st.lists(texts, max_size=3).map(tuple),
    exit_code=st.none() | st.integers(0, 255),
    seconds=st.none() | _numbers,
    mentions=st.lists(_mentions, max_size=3).map(tuple),
    refusals=st.lists(_refusals, max_size=3).map(tuple),
    timeline=st.lists(st.builds(Moment, at=_numbers, what=texts, namespace=texts, says=texts), max_size=4).map(
        tuple
    ),
    works=st.lists(texts, max_size=2).map(tuple),
    items=st.lists(diagnoses, max_size=1).map(tuple),
    gaps=st.lists(st.builds(GapTold, what=texts, because=texts, remedy=texts), max_size=2).map(tuple),
    touched=st.lists(st.builds(Touched, what=texts, undone=texts), max_size=2).map(tuple),
    complete=st.booleans(),
)
