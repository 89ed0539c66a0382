"""A warehouse in which models of two lines have answered, without a model server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import Settings, load_settings
from ljwx.stages.promote.evidence import Judged, judge
from ljwx.stages.promote.looks import Look, look_at
from ljwx.warehouse.promotions import Alias
from ljwx.warehouse.runs import RunRef
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, connect, database
from support_forward import SHANGHAI

STOCKS, HORIZON, MADE = 25, 5, 30
"""Models are made from the first ``MADE`` sessions."""
TASKS = {
    "price_direction": ("up", "flat", "down"),
    "investment_advice": ("buy", "hold", "sell"),
    "risk_assessment": ("low", "medium", "high"),
}
DAYS = [day for at in range(300) if (day := date(2026, 1, 5) + timedelta(at)).weekday() < 5]
SPEC = BuildSpec(base="deepseek-llm:7b", base_digest="a" * 64, strategy="prompt", system="x", parameters={"seed": 1})
OTHER = SPEC.model_copy(update={"system": "y"})


@dataclass(frozen=True)
class Market:
    """A warehouse with sessions, one dataset, and samples of whole cross-sections with what came true.

    :param excess: session × stock.
    """

    db: Database
    warehouse: WarehouseHook
    excess: np.ndarray[Any, Any]
    settings: Settings

    def model(self, name: str, spec: BuildSpec = SPEC, digest: str | None = None, dataset: str = "ds") -> Alias:
        """A verified model of the line of a spec, as an alias would name it."""
        self.db.execute(
            "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, "
            "verified, run_key) VALUES (%s, %s, 'prompt', 'b', 'd', %s, %s, %s, '{}', 1)",
            name, digest or name, Jsonb(spec.model_dump(mode="json")), spec.sha256, dataset,
        )  # fmt: skip
        self.warehouse.open_line(1, line_of(spec), name)
        return Alias("champion", name, digest or name, None, None, None, None, None)  # type: ignore[arg-type]

    def answers(self, model: Alias, skill: float, days: range, seed: int, stocks: int = STOCKS) -> None:
        """The model tells classes of each stock, the better the larger its skill; all by the same way of asking."""
        evaluation = self.warehouse.open_evaluation(1, model.model, model.digest, "q", {"asks": "class"})
        generator, rows = np.random.default_rng(seed), []
        for day in days:
            for stock in range(stocks):
                seen = skill * self.excess[day, stock] + (1 - skill) * generator.normal()
                for task, names in TASKS.items():
                    up = 1 / (1 + np.exp(-seen))
                    said = dict(zip(names, (2 / 3 * up, 1 / 3, 2 / 3 * (1 - up)), strict=True))
                    rows.append((evaluation, f"{task}-{day}-{stock}", json.dumps(said)))
        self.db.execute(
            "INSERT INTO ljwx.class_answers (evaluation_id, sample_id, probabilities, server, latency_s, "
            "prompt_tokens, answer_tokens) SELECT e, s, p, 'x', 0, 1, 1 FROM "
            "unnest(%s::bigint[], %s::text[], %s::jsonb[]) AS t (e, s, p)", *map(list, zip(*rows, strict=True)),
        )  # fmt: skip

    def record(self, *said: tuple[Alias, float], days: range, stocks: int = STOCKS, seed: int = 7) -> None:
        """Sealed sessions of the forward record, settled: models of these skills answered about all stocks.

        Written past the triggers that date a record: what they refuse is tested with the record itself.
        """
        for table in ("forward_batches", "forward_answers", "forward_outcomes"):
            self.db.execute(f"ALTER TABLE ljwx.{table} DISABLE TRIGGER USER")
        generator, answers = np.random.default_rng(seed), []
        for day in days:
            for model, skill in said:
                line = self.warehouse.model(model.model).line_id  # type: ignore[union-attr]
                for stock in range(stocks):
                    up = 1 / (1 + np.exp(-(skill * self.excess[day, stock] + (1 - skill) * generator.normal())))
                    shares = (2 / 3 * up, 1 / 3, 2 / 3 * (1 - up))
                    answers += [
                        (DAYS[day], f"{stock:06d}.SZ", task, model.model, model.digest, line, list(names),
                         json.dumps(dict(zip(names, shares, strict=True))))
                        for task, names in TASKS.items()
                    ]  # fmt: skip
        spec = Jsonb({"horizon": HORIZON, "exit_roll": 0, "prompt_version": "v1"})
        for day in days:
            self.db.execute(
                "INSERT INTO ljwx.forward_batches (session, deadline, dataset_id, spec, fit, opened_at, sealed_at, "
                "answers, digest, run_key) VALUES (%s, %s, 'ds', %s, '{}', %s, %s, 1, %s, 1)",
                DAYS[day], _at(DAYS[day], 33.25), spec, _at(DAYS[day], 19), _at(DAYS[day], 20), f"{day:064d}",
            )  # fmt: skip
        self.db.execute(
            "INSERT INTO ljwx.forward_answers (session, ts_code, task, answerer, digest, line_id, snapshot_sha256, "
            "classes, probabilities, answered_at, late, server, latency_s, run_key) SELECT s, c, t, a, d, l, "
            "repeat('0', 64), string_to_array(k, '|'), p, s + time '19:30' AT TIME ZONE 'Asia/Shanghai', false, 'x', "
            "0, 1 FROM unnest(%s::date[], "
            "%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[]) "
            "AS r (s, c, t, a, d, l, k, p)",
            *map(list, zip(*[(*row[:6], "|".join(row[6]), row[7]) for row in answers], strict=True)),
        )  # fmt: skip
        self.db.execute(
            "INSERT INTO ljwx.forward_outcomes (session, ts_code, task, revision, label, net, excess, "
            "realised_volatility, max_drawdown, entry_session, exit_session, label_end, known_at, settled_at, run_key) "
            "SELECT s.session, s.ts_code, s.task, 1, s.label, d.excess, d.excess, 0, 0, s.session, s.label_end, "
            "s.label_end, now(), now(), 1 FROM ljwx.samples s JOIN ljwx.dataset_samples d USING (sample_id) "
            "WHERE EXISTS (SELECT FROM ljwx.forward_answers a WHERE (a.session, a.ts_code, a.task) = "
            "(s.session, s.ts_code, s.task)) ON CONFLICT DO NOTHING"
        )  # fmt: skip

    def judged(self, model: Alias, champion: Alias | None, last: int, *, holds: bool = True) -> Judged:
        return judge(self.look(DAYS[last]), model.model, champion, holds=holds)

    def look(self, session: date) -> Look:
        """At the close of a session."""
        return look_at(self.warehouse, self.settings, 1, session)

    def noted(self, rival: str) -> list[date]:
        return self.db.column("SELECT DISTINCT session FROM ljwx.line_evidence WHERE rival = %s ORDER BY 1", rival)


def _at(session: date, hours: float) -> datetime:
    return datetime.combine(session, time(), SHANGHAI) + timedelta(hours=hours)


def classes(values: np.ndarray[Any, Any]) -> list[int]:
    """Thirds of the stocks of a session, the highest first."""
    order = np.argsort(np.argsort(-values))
    return [int(place * 3 // len(values)) for place in order]


@pytest.fixture(scope="session")
def market_samples(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A database with sessions, two datasets, and samples of whole cross-sections, to be copied."""
    with database(postgres, migrated_template) as name, pytest.MonkeyPatch.context() as patch:
        connect(patch, postgres.url(name))
        fill(Database(postgres.url(name)))
        yield name


@pytest.fixture
def sessions_of_lines(
    postgres: EmbeddedPostgres, market_samples: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Market]:
    with database(postgres, market_samples) as name:
        connect(monkeypatch, postgres.url(name))
        yield Market(Database(postgres.url(name)), WarehouseHook(), excesses(), load_settings({}))


def excesses() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).normal(size=(160, STOCKS))


def fill(db: Database) -> None:
    warehouse = WarehouseHook()
    assert warehouse.start_run(RunRef("tests", "one", "evidence")) == 1
    warehouse.save_sessions(1, DAYS)
    made = {"max_label_end": {"train": str(DAYS[MADE])}, "last_as_of": {"train": str(DAYS[MADE - 5])}, "purge": 6}
    rates = {"rates": {task: dict.fromkeys(names, 1 / 3) for task, names in TASKS.items()}}
    for name in ("ds", "later"):
        db.execute(
            "INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, fit, known_at, "
            "first_session, last_session, folder, code_version, run_key) "
            "VALUES (%s, '', '{}', '{}', '{}', %s, %s, now(), %s, %s, '', '', 1)",
            name, Jsonb(made), Jsonb(rates), DAYS[0], DAYS[100],
        )  # fmt: skip
    db.execute(
        "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, kind, run_key) VALUES ('q', 'ds', 'classes', 1)"
    )
    excess = excesses()
    rows = [
        (f"{task}-{day}-{stock}", f"{stock:06d}.SZ", DAYS[day], task, names[row[stock]], DAYS[day + HORIZON],
         float(excess[day, stock]))
        for day in range(160)
        for row in [classes(excess[day])]
        for stock in range(STOCKS)
        for task, names in TASKS.items()
    ]  # fmt: skip
    db.execute(
        "WITH given AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::date[], %s::text[], %s::text[], %s::date[], "
        "%s::float8[]) AS t (sample_id, ts_code, session, task, label, label_end, excess)), made AS ("
        "INSERT INTO ljwx.samples (sample_id, ts_code, session, task, snapshot, snapshot_sha256, answer, label, "
        "label_end, bars_from, feature_version, prompt_version, run_key) SELECT sample_id, ts_code, session, task, "
        "'{}', '', '{}', label, label_end, session, '1', 'v1', 1 FROM given RETURNING sample_id) "
        "INSERT INTO ljwx.dataset_samples (dataset_id, sample_id, split, excess) "
        "SELECT 'ds', sample_id, 'validation', excess FROM given JOIN made USING (sample_id)",
        *map(list, zip(*rows, strict=True)),
    )  # fmt: skip
