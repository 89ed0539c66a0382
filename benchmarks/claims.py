"""How well the checker of claims reads Chinese prose, on clauses written by people who had not seen it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HELD_OUT = "corpus_heldout.jsonl"
DEVELOPED_ON = ("corpus.jsonl", "corpus_once_blind.jsonl")


def claims_precision() -> dict[str, Any]:
    """Of the clauses that the checker takes for true, the share that is."""
    return _figure("precision")


def claims_recall() -> dict[str, Any]:
    """Of the true clauses, the share that the checker takes for true."""
    return _figure("recall")


def _figure(name: str) -> dict[str, Any]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from support_claims import agreement, corpus  # not above: the tests' folder is no package

    held_out = agreement(corpus(HELD_OUT))
    own = agreement([clause for name in DEVELOPED_ON for clause in corpus(name)])
    value = getattr(held_out, name)
    note = f"{held_out.clauses} clauses; on the {own.clauses} it was developed on {getattr(own, name):.3f}"
    return {"value": value, "unit": "share", "ours": value, "peer": 1.0, "runs": 1, "note": note}
