"""From findings to a verdict: rank, absorb, outcomes; knows no cause by name."""
