"""From an answer of the forward record to the bars it rests on, and from a revision of a bar to the answers."""

from __future__ import annotations

from datetime import date

import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.core.lineage import Node
from ljwx.exceptions import NotFound
from ljwx.services.lineage import trace
from support_chain import Database
from support_forward import at, stop_clock
from support_settled import DAYS, MONDAY, STOCKS, record_until_wednesday, said

STOCK = STOCKS[0]


@pytest.fixture
def record(warehouse_url: str) -> Database:
    """Answers about Monday and Tuesday; Monday's bar was corrected between them. Bars come at 18:00 of their day."""
    found, db = record_until_wednesday(warehouse_url), Database(warehouse_url)
    found.bars(MONDAY, close={STOCK: 10.1})
    stop_clock(warehouse_url, at(DAYS[1], 19))
    found.answer(said(STOCK, session=DAYS[1]))
    found.hook.seal_batch(MONDAY)
    db.execute("UPDATE ljwx.bars SET first_seen = (session + time '18:00') AT TIME ZONE 'Asia/Shanghai'")
    corrected = at(DAYS[1], 18, 30)
    db.execute("UPDATE ljwx.bars SET superseded_at = %s WHERE superseded_at IS NOT NULL", corrected)
    db.execute("UPDATE ljwx.bars SET first_seen = %s WHERE revision = 2", corrected)
    return db


def below(node: Node, kind: str) -> list[Node]:
    return [each for each in (*node.made_from, *node.used_by) if each.kind == kind]


def test_an_answer_is_walked_to_its_bars_the_run_that_fetched_them_and_what_came_true(record: Database) -> None:
    answer = trace(f"{MONDAY}/{STOCK}/price_direction/model:v1")
    assert (answer.kind, answer.facts["late"], answer.facts["line"]) == ("answer", False, "line")
    assert answer.facts["said"] == {"up": 0.5, "flat": 0.3, "down": 0.2}
    (snapshot,) = below(answer, "snapshot")
    (bars,) = snapshot.made_from
    assert (snapshot.name, bars.name) == ("s" * 64, f"{MONDAY} to {MONDAY}")
    assert bars.facts == {"rows": 1, "newest revision": 1}
    assert bars.made_from == (Node("run", "tests.forward", {"run_id": "one"}),)
    assert [each.name for each in below(answer, "dataset")] == ["20260302-abc"]
    (sealed,) = below(answer, "record")
    assert sealed.facts["digest"] == record.value("SELECT digest FROM ljwx.forward_batches WHERE digest IS NOT NULL")
    later = trace(f"{DAYS[1]}/{STOCK}/price_direction/model:v1")
    assert below(later, "snapshot")[0].made_from[0].facts == {"rows": 2, "newest revision": 2}


def test_a_revision_of_a_bar_is_walked_to_the_answers_that_rest_on_it(record: Database) -> None:
    bar = trace(f"{MONDAY}/{STOCK}")
    assert [(each.name, [used.name for used in each.used_by]) for each in bar.made_from] == [
        ("1", ["price_direction/model:v1", "risk_assessment/model:v1"]), ("2", ["price_direction/model:v1"]),
    ]  # fmt: skip
    assert bar.made_from[1].used_by[0].facts == {"answers": 1, "from": DAYS[1], "to": DAYS[1]}
    assert trace(f"{DAYS[1]}/{STOCK}").made_from[0].used_by[0].facts["from"] == DAYS[1]


def test_the_command_shows_the_tree(record: Database) -> None:
    done = CliRunner().invoke(app, ["lineage", f"{MONDAY}/{STOCK}/price_direction/model:v1", "--json"])
    assert done.exit_code == 0
    assert '"newest revision": 1' in done.output
    assert CliRunner().invoke(app, ["lineage", f"{MONDAY}/{STOCK}"]).exit_code == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("2026-13-02/000001.SZ", "2026-13-02 is no day; write it like 2026-06-30"),
        ("2026-03-02/999999.SZ", "no bar of 999999.SZ"),
        (f"{date(2026, 3, 9)}/{STOCK}/price_direction/model:v1", "has no answer of model:v1"),
        (f"{MONDAY}/{STOCK}/price_direction/nobody", "has no answer of nobody"),
    ],
)
def test_what_is_not_there_is_one_line(record: Database, name: str, why: str) -> None:
    with pytest.raises(NotFound, match=why):
        trace(name)
