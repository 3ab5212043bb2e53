"""Amounts that a LimitRange takes, out of the API server's own words (seen with 1.34)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.probes.limit_ranges import MOST, adapted, amount_of

SEEN = (
    'Error creating: pods "refused-1-ddldj" is forbidden: [minimum cpu usage per Container is 150m, but request '
    "is 10m, minimum memory usage per Container is 96Mi, but request is 32Mi, maximum cpu usage per Container is "
    "400m, but limit is 500m, cpu max limit to request ratio per Container is 2, but provided ratio is 50.000000]"
)


@pytest.mark.parametrize(
    ("refusal", "amounts"),
    [
        (SEEN, {"cpu": "150m", "memory": "96Mi"}),
        ("maximum cpu usage per Pod is 50m, but limit is 500m", {"cpu": "50m", "memory": "64Mi"}),
        ("maximum memory usage per Pod is 48Mi, but limit is 64Mi", {"cpu": "100m", "memory": "48Mi"}),
        ("minimum cpu usage per Container is 20m, but request is 10m", {"cpu": "100m", "memory": "64Mi"}),
        (
            "[minimum memory usage per Container is 1Gi, but request is 32Mi,"
            " minimum memory usage per Pod is 1280Mi]",
            {"cpu": "100m", "memory": "1280Mi"},
        ),
        (
            "cpu max limit to request ratio per Pod is 3, but provided ratio is 50.000000",
            {"cpu": "100m", "memory": "64Mi"},
        ),
        (
            "minimum ephemeral-storage usage per Container is 1Gi.  No request is specified",
            None,  # a quantity never ends in a full stop
        ),
        (
            "minimum ephemeral-storage usage per Container is 1Gi, but request is 0",
            {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "1Gi"},
        ),
        ("minimum memory usage per Container is 64Gi, but request is 32Mi", None),
        ("exceeded quota: small, requested: cpu=10m, used: cpu=0, limited: cpu=0", None),
        ("minimum nvidia.com/gpu usage per Container is 1", None),
        ("", None),
    ],
)
def test_what_is_named_is_kept_to(refusal: str, amounts: dict[str, str] | None) -> None:
    assert adapted(refusal) == amounts


@pytest.mark.parametrize(
    ("quantity", "amount"), [("1", 1), ("500m", 0.5), ("1.5", 1.5), ("64Mi", 67108864), ("1G", 1_000_000_000)]
)
def test_quantities_are_numbers(quantity: str, amount: float) -> None:
    assert amount_of(quantity) == amount


@pytest.mark.parametrize("quantity", ["", "Mi", "1e3", "-1", "1Pi", "1 Mi"])
def test_what_is_no_quantity_of_ours_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match=quantity or "^$"):
        amount_of(quantity)


@given(
    st.text(max_size=300)
    | st.from_regex(r"(minimum|maximum) (cpu|memory) usage per Pod is [0-9]{1,20}[a-zA-Z]{0,2},?")
)
def test_whatever_an_admission_plugin_says_the_probe_stays_small(refusal: str) -> None:
    amounts = adapted(refusal)
    assert amounts is None or all(amount_of(given) <= MOST[name] for name, given in amounts.items())
