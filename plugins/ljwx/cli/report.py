"""`ljwx report`: what was built and decided, and who serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, failures_shown, say, table
from ljwx.core.standing import standing

if TYPE_CHECKING:
    from ljwx.services.report import Build, BuildHistory, UnfinishedRun

HEADS = (
    "built", "model", "strategy", "dataset", "verdict", "proven", "RankIC", "questions", "accuracy", "valid",
    "macro F1", "s/answer",
)  # fmt: skip
WEIGHED = ("measure", "task", "rival", "state", "sessions", "raw", "shrunken", "low", "high", "smallest")
YES_OR_NO = {True: "yes", False: "no"}
"""What stands in a column; a dash where nobody asked."""


def report(
    newest: Annotated[int, typer.Option(min=1, help="How many builds to list. 列出最近几次。")] = 10,
    as_json: AsJson = False,
) -> None:
    """List builds and decisions, the champion, and the trend of the scorecard. 训练历史与当前冠军。"""
    from ljwx.services.report import build_history

    with failures_shown():
        found = build_history(newest)

    def picture(console: Console) -> None:
        _draw(console, found)

    say(found, picture, as_json)


def _draw(console: Console, found: BuildHistory) -> None:
    from ljwx.services.report import report_of

    for alias in found.aliases:
        verdict = alias.verdict or "undecided"
        console.print(f"{alias.alias:<12}{alias.model}  digest {alias.digest[:12]}  ({verdict})")
        if alias.alias == "champion":
            seen = standing(alias.proven, alias.failing)
            console.print(f"            {seen.of_champion}\n            {seen.chinese}", markup=False)
            if alias.failing is not None:
                console.print(f"            {alias.failing}", markup=False)
    if not found.aliases:
        console.print("There is no champion yet: run ljwx_model_build.")
    console.print()
    console.print(table(HEADS, [_build(build) for build in found.builds]))
    _draw_evidence(console, found)
    for build in found.builds:
        if build.refused_for:
            console.print(f"\n{build.model} failed its verification: {build.refused_for}", markup=False)
            console.print(f"its report: {report_of(build)}", markup=False)
    if found.unfinished:
        console.print("\nBegan to write in the last 30 days and did not finish:")
        console.print(table(("started", "task", "run"), [_unfinished(run) for run in found.unfinished]))
    console.print(f"\n{found.risk_statement}")


def _draw_evidence(console: Console, found: BuildHistory) -> None:
    """What the newest decision weighed, and how often one has looked."""
    from ljwx.core.reports.evidence import evidence

    newest = next((build for build in found.builds if build.evidence), None)
    seen = evidence(newest.evidence) if newest else None
    if newest is None or seen is None:
        return
    console.print(
        f"\n{newest.model} as of {seen.session}: look number {seen.looks}; {seen.lines} lines began to challenge in "
        f"{seen.error_sessions} sessions, {seen.spent or 0:.2%} of an error rate of {seen.error_rate or 0:.0%} given",
        markup=False,
    )
    console.print(table(WEIGHED, [[getattr(row, head) for head in WEIGHED] for row in seen.rows]))


def _build(build: Build) -> Sequence[Any]:
    from ljwx.core.reports.evidence import rank_ic

    card = build.overall or {}
    return (
        f"{build.created_at:%Y-%m-%d %H:%M}", build.model + (" (deleted)" if build.deleted_at else ""),
        build.strategy, build.dataset_id, build.verdict or "undecided",
        None if build.proven is None else YES_OR_NO[build.proven], rank_ic(build.evidence), card.get("n"),
        card.get("accuracy"), card.get("valid_share"), card.get("macro_f1"), (card.get("latency") or {}).get("p50"),
    )  # fmt: skip


def _unfinished(run: UnfinishedRun) -> Sequence[Any]:
    return f"{run.started_at:%Y-%m-%d %H:%M}", run.instance, run.run_id
