"""`ljwx report` and `ljwx compare`: what was built and decided, and how two models differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, failures_told, say, table


def report(
    newest: Annotated[int, typer.Option(min=1, help="How many builds to list. 列出最近几次。")] = 10,
    as_json: AsJson = False,
) -> None:
    """List builds and decisions, the champion, and the trend of the scorecard. 训练历史与当前冠军。"""
    from ljwx.core.datasets.spec import RISK_STATEMENT
    from ljwx.hooks.warehouse import WarehouseHook

    with failures_told():
        warehouse = WarehouseHook()
        found = {
            "aliases": list(warehouse.alias_rows().values()),
            "builds": warehouse.builds(newest),
            "unfinished": warehouse.failed_runs(newest),
            "risk_statement": RISK_STATEMENT,
        }

    def picture(console: Console) -> None:
        _draw_report(console, found)

    say(found, picture, as_json)


def _draw_report(console: Console, found: Mapping[str, Any]) -> None:
    from ljwx.files import report_folder

    for alias in found["aliases"]:
        verdict = alias["verdict"] or "undecided"
        console.print(f"{alias['alias']:<12}{alias['model']}  digest {alias['digest'][:12]}  ({verdict})")
    if not found["aliases"]:
        console.print("There is no champion yet: run ljwx_model_build.")
    console.print()
    heads = (
        "built",
        "model",
        "strategy",
        "dataset",
        "verdict",
        "questions",
        "accuracy",
        "valid",
        "macro F1",
        "s/answer",
    )
    console.print(table(heads, [_build(row) for row in found["builds"]]))
    for row in found["builds"]:
        if row["refused_for"]:
            told = f"{row['model']} failed its verification: {row['refused_for']}"
            console.print(f"\n{told}\nits report: {report_folder(row['model'], row['promotion_id'])}", markup=False)
    if found["unfinished"]:
        console.print("\nBegan to write in the last 30 days and did not finish:")
        console.print(table(("started", "task", "run"), [_unfinished(row) for row in found["unfinished"]]))
    console.print(f"\n{found['risk_statement']}")


def _build(row: Mapping[str, Any]) -> Sequence[Any]:
    card = row["overall"] or {}
    return (
        f"{row['created_at']:%Y-%m-%d %H:%M}", row["model"] + (" (deleted)" if row["deleted_at"] else ""),
        row["strategy"], row["dataset_id"], row["verdict"] or "undecided", card.get("n"),
        card.get("accuracy"), card.get("valid_share"), card.get("macro_f1"), (card.get("latency") or {}).get("p50"),
    )  # fmt: skip


def _unfinished(row: Mapping[str, Any]) -> Sequence[Any]:
    at = f"[{row['map_index']}]" if row["map_index"] >= 0 else ""
    return f"{row['started_at']:%Y-%m-%d %H:%M}", f"{row['dag_id']}.{row['task_id']}{at}", row["run_id"]


def compare(
    first: Annotated[str, typer.Argument(help="A model. 模型甲。", show_default=False)],
    second: Annotated[str, typer.Argument(help="Another one. 模型乙。", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Compare two models on the questions that both have answered. 在相同问题上比较两个模型。"""
    from ljwx.services.compare import compare as compare_models

    with failures_told():
        found = compare_models(first, second)

    def picture(console: Console) -> None:
        _draw_comparison(console, found)

    say(found, picture, as_json)


def _draw_comparison(console: Console, found: Mapping[str, Any]) -> None:
    console.print(f"{found['first']} − {found['second']}", markup=False)
    console.print(
        f"accuracy on the {found['questions']} questions of set {found['question_set_id']} that both answered\n"
    )
    heads = ("part", "questions", "first", "second", "difference", "low", "high")
    console.print(table(heads, [[part[head] for head in heads] for part in found["parts"]]))
    console.print(
        f"\nlow and high bound the difference at {found['confidence']:.0%}, resampled in blocks of sessions; "
        "- where the sessions are too few to tell"
    )
