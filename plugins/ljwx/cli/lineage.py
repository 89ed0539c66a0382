"""`ljwx lineage`: where a number came from, and what it went into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.tree import Tree

from ljwx.cli.console import AsJson, failures_shown, say

if TYPE_CHECKING:
    from ljwx.core.lineage import Node


def lineage(
    name: Annotated[
        str,
        typer.Argument(
            help="Model, dataset, sample, SESSION/STOCK/TASK/MODEL or SESSION/STOCK. 模型、数据集、样本、预测或行情。",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show what a model, dataset, sample, answer or bar was made from and what used it. 追溯来源与去向。"""
    from ljwx.services.lineage import trace

    with failures_shown():
        found = trace(name)

    def picture(console: Console) -> None:
        console.print(_tree(found), markup=False)

    say(found.as_dict(), picture, as_json)


def _tree(node: Node) -> Tree:
    tree = Tree(_line(node))
    for title, nodes in (("made from", node.made_from), ("used by", node.used_by)):
        if nodes:
            side = tree.add(title)
            for each in nodes:
                side.add(_tree(each))
    return tree


def _line(node: Node) -> str:
    from rich.markup import escape

    return escape(node.text)
