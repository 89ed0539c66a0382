"""`ljwx record show` and `ljwx record earned`: what the forward record is worth."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ljwx.cli.console import AsJson, Exit, failures_shown, say, table

if TYPE_CHECKING:
    from rich.console import Console

    from ljwx.core.forward.scores import Score
    from ljwx.services.scores import EarnedBy, ScoredRecord

HEADS = (
    "answerer", "digest", "task", "horizon", "meaning", "window",
    "sessions", "answers", "coverage", "valid", "hits", "low", "high", "log_score",
    "brier", "ece", "by_chance", "rank_ic", "low", "high", "skill_rates", "low", "high", "skill_logistic", "low",
    "high",
)  # fmt: skip
EARNED = (
    "from", "answerer", "digest", "task", "horizon", "meaning",
    "sessions", "annual", "market_annual", "index_annual", "excess", "drawdown", "turnover", "capacity_cny",
    "ratio", "low", "high", "deflated_sharpe", "recipes_tried", "ic_1", "ic_h", "ic_2h",
)  # fmt: skip

WATCHED = ("check", "what", "rings", "since", "level", "mean", "log_evidence", "log_needed")


class Origin(str, Enum):
    """Where simulated answers stand."""

    RECORD = "record"
    VALIDATION = "validation"


def record(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the scores of the forward record, where no command of it is named. 预测记录。"""
    if context.invoked_subcommand is None:
        show(as_json)


def show(as_json: AsJson = False) -> None:
    """Score every answerer of the record by what came true. 预测记录的成绩。"""
    from ljwx.services.scores import scored_record

    with failures_shown():
        found = scored_record()

    def picture(console: Console) -> None:
        _draw(console, found)

    say(found, picture, as_json)


def earned(
    top: Annotated[float, typer.Option(min=0.01, max=1.0, help="Share of the stocks that is bought. 买入比例。")] = 0.1,
    slippage: Annotated[float, typer.Option(min=0.0, max=0.05, help="What each side loses. 单边滑点。")] = 0.0005,
    origin: Annotated[
        Origin, typer.Option("--from", help="The record, or validation answers: a backtest. 记录或回测。")
    ] = Origin.RECORD,
    as_json: AsJson = False,
) -> None:
    """Simulate what the record's answers would have earned; no advice. 模拟收益（不构成投资建议）。"""
    from ljwx.services.scores import earned_from_record, earned_from_validation

    with failures_shown():
        found = (earned_from_record if origin is Origin.RECORD else earned_from_validation)(top, slippage)

    def picture(console: Console) -> None:
        _draw_earned(console, found)

    say(found, picture, as_json)


def watch(as_json: AsJson = False) -> None:
    """See whether what serves is still what the record showed before. 监测冠军模型是否衰退。"""
    from ljwx.services.watch import watch_champion

    with failures_shown():
        found = watch_champion()

    def picture(console: Console) -> None:
        console.print(
            f"{found.model}, line {found.line_id}; {found.sessions} sessions, the first {found.reference} are the "
            f"reference; forward.watch is {found.wanted}\n"
        )
        console.print(table(WATCHED, [[getattr(each, head) for head in WATCHED] for each in found.checks]))
        for alarm in found.alarms:
            console.print(
                f"\nsince {alarm.rang}: {alarm.text}\n  {alarm.done or 'open'}: {alarm.because}", markup=False
            )
        console.print(f"\n{found.note}")

    say(found, picture, as_json)
    if any(each.rings for each in found.checks):
        raise typer.Exit(int(Exit.NEEDS_CARE))


def _draw(console: Console, found: ScoredRecord) -> None:
    console.print(
        f"{found.batches} sessions from {found.first}, known until {found.last}; {found.gaps} gaps, {found.late} late "
        f"answers, {found.open} that wait for their outcome\n"
    )
    console.print(table(HEADS, [_row(each) for each in found.scores]))
    console.print(
        "\nskill_*: gain in log score per question over class rates, and over logistic regression, in nats; by_chance: "
        f"the largest ece that chance alone makes in 19 of 20 cases. {found.bounds}"
    )
    console.print(found.note, markup=False)


def _row(score: Score) -> list[Any]:
    skills = {each.rival: each.log for each in score.skills}
    followed = (score.rank_ic, skills.get("class_rates"), skills.get("logistic"))
    bounded = [value for each in followed for value in ((each.mean, each.low, each.high) if each else (None,) * 3)]
    hits, band = score.hit_rate, score.ece_of_perfect
    return [
        score.answerer, _short(score.digest), score.task, score.horizon, score.meaning,
        score.window.name, score.sessions, score.answered, score.coverage, score.valid,
        hits.mean, hits.low, hits.high, score.log_score, score.brier, score.ece, band.high if band else None, *bounded,
    ]  # fmt: skip


def _draw_earned(console: Console, found: list[EarnedBy]) -> None:
    rows = []
    for each in found:
        ratio = each.information_ratio
        rows.append([
            each.origin, each.answerer, _short(each.digest), each.task, each.horizon, each.meaning,
            len(each.sessions), each.annual, each.market_annual, each.index_annual, each.excess, each.drawdown,
            each.turnover, each.capacity_cny, *((ratio.value, ratio.low, ratio.high) if ratio else (None,) * 3),
            each.deflated_sharpe, each.recipes_tried, *(_ic(each, h) for h in (1, each.horizon, 2 * each.horizon)),
        ])  # fmt: skip
    console.print(table(EARNED, rows))
    for note in dict.fromkeys(said for each in found for said in (each.note, each.index_note)):
        console.print(f"\n{note}", markup=False)


def _ic(earned: EarnedBy, horizon: int) -> float | None:
    """The mean RankIC with the return to the close so many sessions on: how fast it decays."""
    return next((each.mean for each in earned.ics if each.horizon == horizon), None)


def _short(digest: str | None) -> str | None:
    return None if digest is None else digest[:8]
