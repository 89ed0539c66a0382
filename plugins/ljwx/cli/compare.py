"""`ljwx compare`: how two models differ on the same questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, failures_shown, say, table

if TYPE_CHECKING:
    from ljwx.services.compare import Comparison

HEADS = ("part", "questions", "first", "second", "difference", "low", "high")
MEASURED = (
    "measure", "task", "sessions", "first", "second", "class_rates", "difference", "low", "high", "shrunken",
    "smallest",
)  # fmt: skip

RIVALS = ("name", "future", "rank_ic", "brier")
RECORD = ("answerer", "task", "sessions", "asked", "answered", "rank_ic", "low", "high", "brier", "log_score")


def compare(
    first: Annotated[str, typer.Argument(help="A model or its alias. 模型甲（或别名）。", show_default=False)],
    second: Annotated[str, typer.Argument(help="Another one. 模型乙。", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Compare two models on the questions that both have answered. 在相同问题上比较两个模型。

    A name that stands for a model is one too: champion, previous, challenger, ljwx-stock:latest.
    """
    from ljwx.services.compare import compare as compare_models

    with failures_shown():
        found = compare_models(first, second)

    def picture(console: Console) -> None:
        _draw(console, found)

    say(found, picture, as_json)


def _draw(console: Console, found: Comparison) -> None:
    console.print(f"{found.first} − {found.second}", markup=False)
    console.print(f"accuracy on the {found.questions} questions of set {found.question_set_id} that both answered\n")
    console.print(table(HEADS, [[getattr(part, head) for head in HEADS] for part in found.parts]))
    if found.measures:
        console.print("\nranking and proper scores, by session, on tasks about the future:\n")
        console.print(table(MEASURED, [[getattr(each, head) for head in MEASURED] for each in found.measures]))
        console.print(
            "\nrank_ic: -1 to 1, larger is better; brier: 0 to 2, smaller is better; class_rates: what one "
            "scores who says how often each class came before. shrunken: what remains of the "
            "difference when chance is allowed for; smallest: what so many sessions show in four of five cases"
        )
    if found.rivals:
        console.print("\nwhat any model has to beat, on the questions of the set that a decision was made on:\n")
        console.print(table(RIVALS, [[getattr(each, head) for head in RIVALS] for each in found.rivals]))
    if found.record:
        console.print("\nin the forward record, each on what it answered in time; low and high hold on every day:\n")
        console.print(table(RECORD, [[getattr(each, head) for head in RECORD] for each in found.record]))
    console.print(
        f"\nlow and high of a difference bound it at {found.confidence:.0%} for one look, resampled in blocks of "
        "sessions; - where the sessions are too few to tell. The gate decides by evidence that allows for every look."
    )
