"""What a LimitRange lets a probe pod ask for, out of the words with which the API server refused it: pure.

They name each bound that was overstepped, and nothing else of the range: `minimum memory usage per Container is
1Gi, but request is 32Mi`, `cpu max limit to request ratio per Pod is 2, but provided ratio is 50.0`
(plugin/pkg/admission/limitranger). Requests that equal limits satisfy every ratio. No right is needed for it but
those for the pod itself.
"""

from __future__ import annotations

import re
from fractions import Fraction

from kubectl_refused.patterns import lazily

# What a probe is content with, between what it requests and its limits otherwise (probe_pod_manifest.py).
PREFERRED = {"cpu": "100m", "memory": "64Mi"}
# Beyond this a probe is no small thing any more, and would hardly find a node.
MOST = {"cpu": Fraction(2), "memory": Fraction(2 * 1024**3), "ephemeral-storage": Fraction(2 * 1024**3)}
MOST_CHARACTERS = 4000  # of a message; it names a bound in 70
_BOUND = lazily(
    r"\b(minimum|maximum) (cpu|memory|ephemeral-storage) usage per (?:Container|Pod) is"
    r" (\d{1,15}(?:\.\d{1,6})?(?:m|[kMGT]i?|Ki)?)(?=,|\]|\s|$)"
)
_RATIO = lazily(r"\b(cpu|memory|ephemeral-storage) max limit to request ratio per (?:Container|Pod) is ")
_FACTORS = {
    "": Fraction(1), "m": Fraction(1, 1000), "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9),
    "T": Fraction(10**12), "Ki": Fraction(2**10), "ki": Fraction(2**10), "Mi": Fraction(2**20),
    "Gi": Fraction(2**30), "Ti": Fraction(2**40),
}  # fmt: skip


def adapted(refusal: str) -> dict[str, str] | None:
    """Amounts for requests and limits alike that the bounds in a refusal allow; None where it names none."""
    refusal = refusal[:MOST_CHARACTERS]
    bounds = _BOUND.findall(refusal)
    if not bounds and not _RATIO.search(refusal):
        return None
    amounts = dict(PREFERRED)
    for kind, resource, amount in bounds:
        now = amounts.get(resource, amount)
        further = amount_of(amount) > amount_of(now) if kind == "minimum" else amount_of(amount) < amount_of(now)
        amounts[resource] = amount if further else now
    return amounts if all(amount_of(given) <= MOST[name] for name, given in amounts.items()) else None


def amount_of(quantity: str) -> Fraction:
    """A Kubernetes quantity as a number (apimachinery, resource.Quantity). ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)([a-zA-Z]{0,2})", quantity)
    if found is None or found[2] not in _FACTORS:
        raise ValueError(quantity)
    return Fraction(found[1]) * _FACTORS[found[2]]
