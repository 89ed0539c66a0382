"""What is trained on, and the recipe that names it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec, changes
from ljwx.core.training import targets
from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.rows import SCHEMA, check_splits, chosen, chosen_together, digest_of
from ljwx.core.training.settings import LoraSettings
from ljwx.core.training.targets import by_class_rates, by_logistic, fitted_on, target
from ljwx.exceptions import ConfigurationError

RECIPE: dict[str, Any] = {
    **dict.fromkeys(("base_gguf", "train", "validation", "prompts"), "a" * 64), "hyperparameters": {"rank": 16},
    "class_weight": 5.0, "truth_share": 0.5, "seed": 7, "output": "F16",
}  # fmt: skip


def samples(*rows: tuple[str, str], weight: float = 1.0) -> pl.DataFrame:
    """Samples of tasks and labels, a session each."""
    values = [
        {
            "sample_id": f"{number:04}", "ts_code": "000001.SZ", "task": task, "snapshot": "{}", "answer": "{}",
            "label": label, "prompt_version": "v1", "session": dt.date(2026, 1, 1) + dt.timedelta(number),
            "label_end": dt.date(2026, 1, 1) + dt.timedelta(number),
            "weight": weight,
        }
        for number, (task, label) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(values, schema=SCHEMA)


MIXED = samples(*[("price_direction", "up")] * 3, ("price_direction", "down"), *[("risk_assessment", "low")] * 6)


def test_the_tasks_take_turns_so_that_a_few_rows_hold_each_of_them() -> None:
    assert chosen(MIXED, 4, 7)["task"].to_list() == ["price_direction", "risk_assessment"] * 2
    assert len(chosen(MIXED, None, 7)) == len(MIXED)
    assert chosen(MIXED.reverse(), 4, 7)["sample_id"].to_list() == chosen(MIXED, 4, 7)["sample_id"].to_list()


def test_what_is_asked_about_one_stock_and_session_is_chosen_as_one() -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(number) for number in range(4)]
    asked = [("price_direction", days[0]), *((task, day) for day in days for task in ("investment_advice", "risk"))]
    rows = samples(*((task, "up") for task, _ in asked)).with_columns(session=pl.Series([day for _, day in asked]))
    got = chosen_together(rows, 7, 7)
    assert got["session"].to_list()[:3] == [days[0]] * 3, "first that about which most is asked"
    assert got["task"].to_list()[:3] == ["investment_advice", "price_direction", "risk"]
    assert got["session"].to_list()[3::2] == got["session"].to_list()[4::2], "then the others, each whole"
    assert chosen_together(rows.reverse(), 7, 7).equals(got)
    orders = {tuple(chosen_together(rows, None, seed)["session"].unique(maintain_order=True)) for seed in range(9)}
    assert len(orders) > 1, "the seed draws the order"
    assert digest_of(chosen_together(rows, None, 7)) == digest_of(rows)


def test_a_digest_is_of_samples_and_weights_in_any_order() -> None:
    assert digest_of(MIXED.reverse()) == digest_of(MIXED)
    assert len({digest_of(MIXED), digest_of(MIXED.head(9)), digest_of(MIXED.with_columns(weight=0.5))}) == 3


def test_what_comes_is_softened_by_the_class_rates_and_what_is_read_off_the_snapshot_is_not() -> None:
    assert target("price_direction", "down", 0.5, {"up": 0.6, "flat": 0.3, "down": 0.1}) == {
        "up": 0.3, "flat": 0.15, "down": 0.55,
    }  # fmt: skip
    copied = target("technical_analysis", "bearish", 0.5, {"bullish": 1.0})
    assert (copied["bearish"], sum(copied.values())) == (1.0, 1.0)
    assert by_class_rates(MIXED)("price_direction", "{}") == {"down": 0.25, "up": 0.75}


def test_a_regression_expects_of_a_snapshot_what_snapshots_like_it_showed() -> None:
    rows = samples(*[("price_direction", label) for label in ("up", "up", "down", "down", "up", "down") * 20])
    low = pl.int_range(pl.len()) % 2
    numbers = pl.when(pl.col("label") == "up").then(1.0 - low / 10).otherwise(-1.0 + low / 10)
    place = pl.struct(numbers.alias("ret_5"), pl.lit(1.0).alias("amount"))
    told = rows.with_columns(snapshot=pl.struct(place.alias("features")).struct.json_encode())
    lacking = samples(("price_direction", "up")).with_columns(snapshot=pl.lit('{"features":{"ret_5":0.1},"market":{}}'))
    other = told.with_columns(pl.col("snapshot").str.replace("amount", "turnover"))
    expected = by_logistic(fitted_on(told, 7), pl.concat([lacking, other]))
    rises, falls = (expected("price_direction", json.dumps({"features": {"ret_5": at}})) for at in (1.0, -1.0))
    assert rises["up"] > 0.9
    assert falls["down"] > 0.9
    assert sum(rises.values()) == pytest.approx(1)
    assert expected("technical_analysis", "{}") == {}


def test_a_regression_is_fitted_on_some_thousands_whatever_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "TRAIN_SAMPLES", 3)
    many = samples(
        *[("price_direction", "up")] * 9, *[("risk_assessment", "low")] * 2, ("technical_analysis", "bullish")
    )
    drawn = fitted_on(many, 7)
    assert drawn["task"].to_list() == ["price_direction"] * 3 + ["risk_assessment"] * 2
    assert digest_of(drawn) == digest_of(fitted_on(many.reverse(), 7)) != digest_of(fitted_on(many, 8))


@pytest.mark.parametrize(
    ("train", "validation", "problem"),
    [
        (MIXED.head(0), MIXED, "dataset d has no train samples, which `lora` needs"),
        (MIXED.head(4), MIXED.head(0), "dataset d has no validation samples, which `lora` needs"),
        (MIXED, MIXED, "dataset d: all risk_assessment samples of the train split are low: there is nothing to tell"),
    ],
)
def test_splits_that_teach_nothing_are_refused(train: pl.DataFrame, validation: pl.DataFrame, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        check_splits("d", {"train": train, "validation": validation})


def recipe(**changed: Any) -> TrainingRecipe:
    return TrainingRecipe.model_validate(RECIPE | changed)


def spec(training: TrainingRecipe | None, **changed: Any) -> BuildSpec:
    fields = {"base": "smollm2:135m", "base_digest": "b" * 64, "strategy": "lora", "system": "s", **changed}
    return BuildSpec(**fields, training=training)


def test_a_recipe_is_known_by_what_decides_the_weights() -> None:
    assert recipe().recipe_id == recipe(class_weight=5).recipe_id
    others = [recipe(**{name: "c" * 64}) for name in ("base_gguf", "train", "validation", "prompts")]
    others += [recipe(hyperparameters={"rank": 8}), recipe(seed=8), recipe(output="Q8_0"), recipe(trainer="9")]
    others += [recipe(forecast="c" * 64), recipe(forecast="c" * 64, cross_validated=True)]
    assert len({each.recipe_id for each in (recipe(), *others)}) == 11
    assert (
        recipe().model_dump().keys().isdisjoint({"forecast", "cross_validated"})
    )  # the names of earlier trainings stay


def test_the_model_is_named_by_its_recipe_and_the_weights_are_an_outcome() -> None:
    planned = spec(recipe())
    made = planned.with_weights("d" * 64)
    assert (made.gguf_sha256, made.sha256) == ("d" * 64, planned.sha256)
    assert changes(planned, made) == []
    assert planned.sha256 != spec(recipe(train="c" * 64)).sha256
    assert changes(planned, spec(recipe(train="c" * 64))) == ["training: another train"]
    assert changes(spec(None), planned) == ["weights of its own"]


def test_another_train_split_is_the_same_line_and_another_rank_another_one() -> None:
    lora = LoraSettings()
    line = line_of(spec(recipe()), lora.changed)
    assert line_of(spec(recipe(train="c" * 64)).with_weights("d" * 64), lora.changed).line_id == line.line_id
    assert line_of(spec(recipe()), LoraSettings(rank=8).changed).line_id != line.line_id


def test_only_what_differs_from_the_default_and_decides_weights_is_told_of_settings() -> None:
    assert LoraSettings().changed == {}
    told = LoraSettings(rank=8, epochs=1, proof=20, base_gguf="/a.gguf", ollama_models="/m")
    assert told.changed == {"rank": 8}


def test_a_spec_without_a_training_is_written_as_before() -> None:
    assert "training" not in json.loads(spec(None).canonical_json)
