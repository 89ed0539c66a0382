"""Models beside their untuned base and the rules, in the forward record."""

from __future__ import annotations

from datetime import datetime, timezone

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.rivals import in_record
from ljwx.stages.forward.settle import settle_sessions
from ljwx.warehouse.models import Model
from support_settled import STOCKS, record_until_wednesday, said
from support_tasks import TaskRunner

BASE = {"answerer": "smollm2:135m", "digest": "b" * 64}
RATES = {"answerer": "class_rates", "digest": None, "line_id": None}


def test_a_model_stands_beside_its_base_and_the_rules_and_nobody_else(warehouse_url: str, tasks: TaskRunner) -> None:
    record = record_until_wednesday(warehouse_url)
    for other in (BASE, BASE | {"digest": "c" * 64}, RATES, {"answerer": "another:v1"}):
        record.answer(said(STOCKS[1], **other))
    model = Model(
        model="model:v1", digest="d" * 64, strategy="fewshot", base="smollm2:135m", base_digest="b" * 64, spec={},
        spec_sha256="s" * 64, dataset_id="20260302-abc", verified={}, deleted_at=None,
        created_at=datetime(2026, 3, 2, tzinfo=timezone.utc),
    )  # fmt: skip
    tasks.run(settle_sessions)
    found = [each for each in in_record(record.hook, [model]) if each.task == "price_direction"]
    assert [(each.answerer, each.asked, each.answered) for each in found] == [
        ("class_rates", 3, 1), ("model:v1", 3, 3), ("smollm2:135m", 3, 1),
    ]  # fmt: skip
    assert all(each.rank_ic is None for each in found), "three stocks are no cross-section"


def test_without_a_record_nobody_stands_in_it(warehouse_url: str) -> None:
    assert in_record(WarehouseHook(), []) == ()
