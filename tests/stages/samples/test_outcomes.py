"""What came true is in the database in numbers: every label can be made again from there."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ljwx.core.datasets.spec import SampleSpec, load_spec
from ljwx.core.features.technical.signals import STATES
from ljwx.core.labels.outcomes import NUMBERS
from ljwx.core.tasks import TASKS
from ljwx.exceptions import ConfigurationError
from ljwx.stages.samples.dataset import build_dataset
from support_chain import Chain, Database
from support_tasks import TaskRunner

MEMBERS = f"""
    SELECT s.sample_id, s.task, s.ts_code, s.session, s.label, s.label_end, s.snapshot, d.split, d.uniqueness,
           {", ".join(f"d.{name}" for name in NUMBERS)}
    FROM ljwx.dataset_samples d JOIN ljwx.samples s USING (sample_id) ORDER BY sample_id
"""


def made_again(rows: list[dict[str, Any]], task: str, spec: SampleSpec, fit: dict[str, Any]) -> list[str]:
    """Labels of a task, from the columns of the database and nothing else."""
    columns = {name: [row[name] for row in rows] for name in NUMBERS}
    votes = {
        f"{signal.name}_vote": [_vote(signal, row["snapshot"]["readings"][signal.name]) for row in rows]
        for signal in STATES
    }
    label = TASKS[task].label(spec, fit["numbers"].get(task, {}))
    return pl.DataFrame(columns | votes).select(label.alias("label"))["label"].to_list()


def _vote(signal: Any, word: str) -> int:
    (vote,) = (state.vote for state in signal.states if state.word == word)
    return int(vote)


def test_every_label_can_be_made_again_from_the_database(chain_db: Database) -> None:
    rows = chain_db.rows(MEMBERS)
    (dataset,) = chain_db.rows("SELECT spec, fit FROM ljwx.datasets")
    spec = load_spec(dataset["spec"])
    for task in spec.tasks:
        mine = [row for row in rows if row["task"] == task]
        assert len(mine) > 100
        assert made_again(mine, task, spec, dataset["fit"]) == [row["label"] for row in mine]


def test_the_fit_has_the_rates_of_the_train_split_before_it_was_balanced(chain_db: Database) -> None:
    (fit,) = chain_db.column("SELECT fit FROM ljwx.datasets")
    for task, shares in fit["rates"].items():
        assert set(shares) == set(TASKS[task].classes)
        assert sum(shares.values()) == pytest.approx(1)
    assert set(fit["numbers"]) == {"risk_assessment"}


def test_one_buys_after_the_session_and_sells_at_the_end_of_the_label_at_the_latest(chain_db: Database) -> None:
    days = chain_db.column("SELECT session FROM ljwx.sessions ORDER BY session")
    after = dict(pairwise(days))
    for row in chain_db.rows(MEMBERS):
        if row["task"] == "technical_analysis":
            assert {row[name] for name in NUMBERS} == {None}
        else:
            assert row["entry_session"] == after[row["session"]]
            assert row["entry_session"] <= row["exit_session"] <= row["label_end"]


def test_the_market_of_a_session_is_one_whatever_stock_is_held_against_it(chain_db: Database) -> None:
    market = chain_db.column(
        "SELECT max(d.net - d.excess) - min(d.net - d.excess) FROM ljwx.dataset_samples d "
        "JOIN ljwx.samples s USING (sample_id) WHERE d.net IS NOT NULL GROUP BY s.session"
    )
    assert len(market) > 50
    assert max(market) < 1e-12


def test_exported_rows_carry_the_stored_uniqueness_as_their_weight(chain_db: Database, chain: Chain) -> None:
    folder = Path(chain_db.value("SELECT folder FROM ljwx.datasets"))
    for split in ("train", "validation"):
        lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        stored = [row["uniqueness"] for row in chain_db.rows(MEMBERS) if row["split"] == split]
        assert sorted(json.loads(line)["weight"] for line in lines) == pytest.approx(sorted(stored), rel=1e-5)
        assert min(stored) > 0
        assert max(stored) <= 1


def test_a_market_of_few_stocks_is_refused_unless_the_settings_say_that_it_is_meant(
    market_db: Database, tasks: TaskRunner, data_folder: Path
) -> None:
    tasks.variables["ljwx_training_config"] = {}
    with pytest.raises(ConfigurationError, match=r"^the market has 16 stocks a session, fewer than sa"):
        tasks.run(build_dataset)
    tasks.variables["ljwx_training_config"] = {"samples": {"min_market_stocks": 16}}
    dataset_id = tasks.run(build_dataset)
    card = json.loads((data_folder / "datasets" / dataset_id / "card.json").read_text(encoding="utf-8"))
    assert card["market"]["is_small"]
    assert card["market"]["stocks"] == 16
    told = (data_folder / "datasets" / dataset_id / "README.md").read_text(encoding="utf-8")
    assert "Ranks and excess returns are among these few, and not the market's." in told
