"""What became of models."""

from __future__ import annotations

import pytest

from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.pages import models
from ljwx.services.pages.models import Comparisons, loss_curves, verdicts
from ljwx.warehouse.runs import RunRef
from support_chain import Database
from support_models import CHALLENGER, CHAMPION, OLD, TASK, add_models


@pytest.fixture
def warehouse(db: Database) -> WarehouseHook:
    hook = WarehouseHook()
    add_models(db, hook.start_run(RunRef("tests", "one", "build")))
    return hook


def test_every_decision_has_its_reasons_the_newest_first(warehouse: WarehouseHook) -> None:
    found = verdicts(warehouse, 10)
    assert [(each.model, each.verdict, each.against) for each in found] == [
        (CHALLENGER, "kept_champion", CHAMPION), (CHAMPION, "promoted", OLD), (OLD, "first_champion", None),
    ]  # fmt: skip
    assert [(each.code, each.favourable) for each in found[1].reasons] == [("proven", True), ("calibration", False)]
    assert [each.refused_for for each in found] == [None, None, None]
    assert len(verdicts(warehouse, 1)) == 1


def test_scores_are_of_each_model_and_its_rivals_the_oldest_first(warehouse: WarehouseHook) -> None:
    found = warehouse.scored_parts(10)
    own = [(each.model, each.accuracy) for each in found if (each.answerer, each.part) == ("model", "overall")]
    assert own == [(OLD, 0.36), (CHAMPION, 0.44), (CHALLENGER, 0.41)]
    assert {each.answerer for each in found} == {"model", "majority", "persistence"}
    (task,) = [each for each in found if (each.model, each.answerer, each.part) == (CHAMPION, "model", TASK)]
    assert (task.n, task.low, task.brier, task.rank_ic) == (100, *map(pytest.approx, (0.41, 0.56, 0.09)))
    assert {each.model for each in warehouse.scored_parts(1)} == {CHALLENGER}


def test_a_training_is_its_losses_and_the_looks_at_unseen_samples(warehouse: WarehouseHook) -> None:
    (curve,) = loss_curves(warehouse, 10)
    assert (curve.models, curve.steps, curve.best_step) == ((CHAMPION,), 200, 200)
    assert (curve.losses[0][0], len(curve.losses)) == (1, 50)
    assert [(each.step, each.class_log_score) for each in curve.looks] == [(0, None), (100, None), (200, None)]


def test_a_training_that_tells_what_nobody_reads_is_empty(warehouse: WarehouseHook, db: Database) -> None:
    db.execute("""UPDATE ljwx.trainings SET result = '{"losses": "none"}'""")
    (curve,) = loss_curves(warehouse, 10)
    assert (curve.losses, curve.looks, curve.models) == ((), (), (CHAMPION,))


def test_two_models_are_compared_once_on_what_both_have_answered(
    warehouse: WarehouseHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparisons = Comparisons()
    found = comparisons.of("champion", OLD)
    assert (found.first, found.second, found.questions) == (CHAMPION, OLD, 24)
    overall = found.parts[0]
    assert (overall.first, overall.second) == (pytest.approx(16 / 24), pytest.approx(12 / 24))
    monkeypatch.setattr(models, "compare", None)
    assert comparisons.of("champion", OLD) is found


def test_a_comparison_with_nobody_says_so(warehouse: WarehouseHook) -> None:
    with pytest.raises(NotFound, match="no model is called 'nobody'"):
        Comparisons().of("champion", "nobody")
