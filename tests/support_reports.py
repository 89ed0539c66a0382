"""Rows of a decision such as the warehouse gives them, with answers whose scores can be counted by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

from ljwx.core.lineage import FetchedSessions
from ljwx.core.reports.cases import Case
from ljwx.core.reports.records import ReportedDecision

HOSTILE = "<script>alert('x')</script> | `code` \x07 end"
MEANING = ("在基座模型前放置示例。没有改变任何权重。", "The base model with examples in front. No weight was changed.")
"""Of the strategy of the model in `decision`."""


def answers() -> list[Case]:
    """Twelve answers of three sessions: 2, 1 and 0 of four right, one invalid in the last."""
    outcomes = [
        "right",
        "right",
        "wrong",
        "wrong",
        "right",
        "wrong",
        "wrong",
        "wrong",
        "wrong",
        "wrong",
        "wrong",
        "bad",
    ]
    rows = []
    for at, outcome in enumerate(outcomes):
        task = ("price_direction", "risk_assessment")[at % 2]
        truth, other = (("up", "down"), ("low", "high"))[at % 2]
        rows.append(
            Case(
                sample_id=f"s{at}",
                task=task,
                ts_code="000001.SZ",
                session=date(2026, 5, 6) + timedelta(days=at // 4),
                truth=truth,
                answered={"right": truth, "wrong": other, "bad": None}[outcome],
                valid=outcome != "bad",
                reason="not_json" if outcome == "bad" else None,
                raw=HOSTILE if outcome == "bad" else f'{{"answer": "{other}", "says": "number {at}"}}',
                probabilities=None,
                latency_s=0.5 + at / 10,
            )
        )
    return rows


def card(accuracy: float, interval: bool = True) -> dict[str, Any]:
    """A scorecard as it is saved, of two tasks."""
    part = {
        "n": 6, "sessions": 3, "valid_share": 1.0, "accuracy": accuracy, "accuracy_interval": None,
        "balanced_accuracy": accuracy, "macro_f1": 0.2, "mcc": 0.01, "modal_share": 0.5, "calibration": None,
        "latency": {"mean": 1.0, "p50": 0.9, "p90": 1.5, "p95": 1.6, "p99": 1.7}, "answers_per_s": 1.0,
        "prompt_tokens": 10, "answer_tokens": 10, "invalid_reasons": {},
    }  # fmt: skip
    bins = [
        {"low": 0.4, "high": 0.5, "n": 4, "confidence": 0.45, "accuracy": 0.25},
        {"low": 0.7, "high": 0.8, "n": 8, "confidence": 0.75, "accuracy": 0.5},
    ]
    bounds = {"estimate": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1, "resampling": {"block": 10}}
    overall = part | {
        "n": 12, "calibration": {"n": 12, "brier": 0.61, "ece": 0.23, "bins": bins}, "invalid_reasons": {"not_json": 1},
        "accuracy_interval": bounds if interval else None,
    }  # fmt: skip
    matrix = {"classes": ["up", "flat", "down"], "confusion": [[1, 2, 3, 0], [0, 4, 0, 1], [5, 0, 0, 0]]}
    names = {"classes": ["low", "medium", "high"], "confusion": [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]]}
    return {
        "question_set": "q", "overall": overall,
        "tasks": {"price_direction": part | matrix, "risk_assessment": part | names},
    }  # fmt: skip


def decision(verdict: str = "kept_champion", **changed: Any) -> ReportedDecision:
    """A decision as the warehouse gives it."""
    reasons = [
        {"code": "questions", "text": "12 questions were asked; at least 4 are needed.", "favourable": True},
        {"code": "not_shown_better", "text": "The champion stays.", "favourable": False},
    ]
    cards = {
        "majority": card(0.3),
        "model": card(0.25),
        "persistence": card(0.35, interval=False),
        "champion": card(0.3),
    }
    fields = {
        "promotion_id": 7, "model": "ljwx-stock:20261120-0123456789ab", "champion": "ljwx-stock:20261101-aa",
        "verdict": verdict, "promoted": verdict in {"promoted", "first_champion"}, "reasons": reasons,
        "decided_at": datetime(2026, 11, 20, 12, 30, tzinfo=timezone.utc), "question_set_id": "qs-1",
        "evaluation_id": 3, "scorecard": cards, "digest": "d" * 64, "strategy": "fewshot", "base": "smollm2:135m",
        "base_digest": "b" * 64, "spec_sha256": "c" * 64, "created_at": None, "checks": None,
        "dataset_id": "ds-1", "dataset_sha256": "e" * 64, "parent_id": None, "first_session": date(2025, 9, 1),
        "last_session": date(2026, 6, 30), "code_version": "0.1.0", "counts": {}, "dag_id": "ljwx_model_build",
        "run_id": "manual__1", **changed,
    }  # fmt: skip
    return ReportedDecision(**fields)


def sources() -> list[FetchedSessions]:
    """The runs that fetched the sessions."""
    return [
        FetchedSessions(
            "ljwx_daily_ingest", "manual__0", "ingest_bars", 0,
            sessions=120, first=date(2025, 9, 1), last=date(2026, 6, 30), bars=2000,
        )
    ]  # fmt: skip
