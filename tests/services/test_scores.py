"""What a person sees of the forward record's worth."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.exceptions import NotFound
from ljwx.services.scores import earned_from_record, earned_from_validation, scored_record
from ljwx.stages.forward.settle import settle_sessions
from support_chain import Database, bars_of, whole_day
from support_forward import at, stop_clock
from support_levels import save_levels
from support_lines import DAYS as LINE_DAYS
from support_lines import Market
from support_settled import DAYS, MONDAY, SPEC, STOCKS, record_until_wednesday, said
from support_tasks import TaskRunner


def test_without_a_record_there_is_nothing_to_score(db: Database) -> None:
    with pytest.raises(NotFound, match="no forward record yet"):
        scored_record()
    with pytest.raises(NotFound, match="no forward record yet"):
        earned_from_record()


def test_the_record_is_scored_and_what_it_would_have_earned_is_simulated(warehouse_url: str, tasks: TaskRunner) -> None:
    record = record_until_wednesday(warehouse_url)
    record.answer(said(STOCKS[1], answerer="certain", probabilities={"up": 0.0, "flat": 0.0, "down": 1.0}))
    assert scored_record().open == 5
    tasks.run(settle_sessions)
    found = scored_record()
    assert (found.first, found.last, found.batches, found.gaps, found.late, found.open) == (MONDAY, DAYS[2], 1, 0, 0, 0)
    rates = {(each.answerer, each.task): each.hit_rate.mean for each in found.scores}
    assert rates == {
        ("model:v1", "price_direction"): 1,
        ("model:v1", "risk_assessment"): 0,
        ("certain", "price_direction"): 0,
    }
    certain, model = earned_from_record(top=0.5, slippage=0.0)
    assert (certain.answerer, model.answerer) == ("certain", "model:v1")
    assert model.sessions == (DAYS[1], DAYS[2])
    # All three are equally likely to rise: half of the money buys them at 10 and sells them at 10.4, 10.2 and 10.2.
    assert model.curve[-1] == pytest.approx(0.5 + 0.5 * (1.04 + 1.02 + 1.02) / 3 * (1 - 0.0005))
    assert model.curve == pytest.approx(model.market)
    assert certain.curve[-1] == pytest.approx(0.5 + 0.5 * 1.02 * (1 - 0.0005))
    assert "no advice" in model.note


def test_an_index_stands_beside_it_where_all_its_closes_are_stored(warehouse_url: str, tasks: TaskRunner) -> None:
    record = record_until_wednesday(warehouse_url)
    tasks.run(settle_sessions)
    (alone,) = earned_from_record()
    assert (alone.index, alone.index_code, alone.index_annual) == (None, None, None)
    assert alone.index_note.startswith("No index beside it: no level of one is stored")
    save_levels(record.hook, record.key, dict.fromkeys(DAYS[:3], 100.0), code="000905.SH")
    assert [(each.index_code, each.index) for each in earned_from_record()] == [("000905.SH", (1.0, 1.0))]
    save_levels(record.hook, record.key, {MONDAY: 4000.0, DAYS[2]: 3960.0})
    (partly,) = earned_from_record()
    assert (partly.index, partly.index_note) == (
        None,
        f"No index beside it: 1 of 3 closes of 000300.SH are not stored, the first of {DAYS[1]}.",
    )
    save_levels(record.hook, record.key, {DAYS[1]: 4040.0})
    (found,) = earned_from_record()
    assert found.index_code == "000300.SH"
    assert found.index == pytest.approx((1.01, 0.99))
    assert found.index_annual == pytest.approx(0.99**121 - 1)
    assert (found.curve, found.market, found.excess) == (alone.curve, alone.market, alone.excess)
    assert found.index_note.startswith("Index: 000300.SH, from its close of 2026-03-02")
    shown = CliRunner().invoke(app, ["record", "earned"]).output
    assert "index_annual" in shown
    assert "dividends are not in it" in " ".join(shown.split())


def test_what_other_settings_say_of_the_classes_is_scored_and_earned_apart(
    warehouse_url: str, tasks: TaskRunner
) -> None:
    record = record_until_wednesday(warehouse_url)
    record.spec = record.spec.model_copy(update={"horizon": 1, "flat_band": 0.05})
    record.hook.seal_batch(MONDAY)
    stop_clock(warehouse_url, at(DAYS[1], 19))
    record.answer(said(STOCKS[0], session=DAYS[1], digest="e" * 64))
    tasks.run(settle_sessions)
    found = [each for each in scored_record().scores if each.task == "price_direction"]
    assert [(each.digest, each.horizon, each.sessions, each.asked) for each in found] == [
        ("d" * 64, 2, 1, 3),
        ("e" * 64, 1, 1, 1),
    ]
    assert len({each.meaning for each in found}) == 2
    assert {each.meaning: each.horizon for each in earned_from_record()} == {
        each.meaning: each.horizon for each in found
    }


def test_what_was_said_to_validation_questions_is_simulated_as_a_backtest(sessions_of_lines: Market) -> None:
    market, days = sessions_of_lines, LINE_DAYS[40:60]
    with pytest.raises(NotFound, match="no model of a line has answered validation questions yet"):
        earned_from_validation()
    market.answers(market.model("new"), 0.5, range(20, 50), seed=3)
    market.db.execute("UPDATE ljwx.datasets SET spec = %s", Jsonb(SPEC.model_dump(mode="json")))
    stocks = [f"{stock:06d}.SZ" for stock in range(25)]
    before = np.full(25, 10.0)
    for place, day in enumerate(days, start=40):
        # Each stock moves on the session after by what came true, of which the model has seen half.
        closes = before * (1 + 0.01 * market.excess[place - 1])
        prices = {
            "open": before,
            "close": closes,
            "high": np.maximum(before, closes),
            "low": np.minimum(before, closes),
        }
        bars = pl.concat([bars_of(day).head(1).with_columns(ts_code=pl.lit(code)) for code in stocks])
        market.warehouse.save_day(1, whole_day(day), bars.with_columns(pl.Series(*each) for each in prices.items()))
        before = closes
    found = earned_from_validation(top=0.2, slippage=0.0)
    assert {(each.origin, each.answerer, each.horizon) for each in found} == {("validation", "new", SPEC.horizon)}
    assert {each.task for each in found} == {"investment_advice", "price_direction"}
    for each in found:
        # What the model was made from reaches into the holidays; the first session after them is bought a day later.
        assert (each.sessions[0], each.curve[-1] > each.market[-1]) == (date(2026, 2, 25), True)
        assert each.note.startswith("BACKTEST")
        assert "It is no advice" in each.note


def test_the_commands_print_the_same(warehouse_url: str, tasks: TaskRunner) -> None:
    record_until_wednesday(warehouse_url)
    tasks.run(settle_sessions)
    lines = (["show"], ["show", "--json"], ["earned"])
    shown, as_json, earned = (CliRunner().invoke(app, ["record", *line]) for line in lines)
    assert [done.exit_code for done in (shown, as_json, earned)] == [0, 0, 0]
    alone = [CliRunner().invoke(app, ["record", *line]).output for line in ([], ["--json"])]
    assert alone == [shown.output, as_json.output]
    backtest = CliRunner().invoke(app, ["record", "earned", "--from", "validation"])
    assert (backtest.exit_code, "answered validation questions" in backtest.output) == (3, True)
    assert "model:v1" in shown.output
    assert "1 sessions from 2026-03-02, known until 2026-03-04; 0 gaps, 0 late" in shown.output
    (_, score) = json.loads(as_json.output)["scores"]
    assert (score["task"], score["hit_rate"]["mean"], score["window"]["name"]) == ("price_direction", 1, "all")
    assert set(score["ece_of_perfect"]) == {"mean", "high"}
    assert "price_direction" in earned.output
    assert "nobody traded it" in earned.output
