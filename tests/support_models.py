"""Three models with what became of them: decisions, scorecards, a training, and questions that two have answered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from support_chain import Database
from support_rows import add_alias, add_decision, add_evaluation, insert

OLD, CHAMPION, CHALLENGER = (
    f"ljwx-stock:2026{month:02d}01-{letter * 4}" for month, letter in ((1, "a"), (2, "b"), (3, "c"))
)
DATASET: Final = "20260301-abc"
SESSIONS, STOCKS = 8, ("000001.SZ", "300001.SZ", "600000.SH")
TASK: Final = "price_direction"


def add_models(db: Database, run_key: int) -> None:
    """Write them: the champion beat the old one and is trained; the challenger was kept out."""
    dataset = {
        "dataset_id": DATASET, "sha256": "d" * 64, "spec": {}, "counts": {}, "exclusions": {}, "proof": {},
        "first_session": date(2026, 1, 5), "last_session": date(2026, 2, 27), "folder": "datasets/x",
        "code_version": "0", "run_key": run_key, "fit": {"class_rates": {TASK: {"up": 0.4, "flat": 0.2, "down": 0.4}}},
    }  # fmt: skip
    _write(db, "datasets", dataset)
    _write(db, "trainings", training(run_key))
    for name, month, recipe in ((OLD, 1, None), (CHAMPION, 2, "r" * 64), (CHALLENGER, 3, None)):
        model = {
            "model": name, "digest": name[-1] * 64, "strategy": "lora" if recipe else "fewshot", "base": "smollm2:135m",
            "base_digest": "0" * 64, "spec": {}, "spec_sha256": name[-1] * 64, "dataset_id": DATASET,
            "recipe_id": recipe, "verified": {}, "created_at": f"2026-0{month}-01 12:00+08", "run_key": run_key,
        }  # fmt: skip
        _write(db, "models", model)
    _write(db, "question_sets", {"question_set_id": "q" * 64, "dataset_id": DATASET, "run_key": run_key})
    _questions(db, run_key)
    for name, accuracy in ((OLD, 0.36), (CHAMPION, 0.44), (CHALLENGER, 0.41)):
        evaluation = add_evaluation(db, name, "q" * 64, scorecard=scorecard(accuracy))
        _answers(db, evaluation, every=3 if name == CHAMPION else 2)
    add_decision(db, OLD, "first_champion", proven=False, reasons=[reason("first_champion", favourable=True)])
    promoted = add_decision(
        db, CHAMPION, "promoted", champion=OLD, proven=True,
        reasons=[reason("proven", favourable=True), reason("calibration", favourable=False)],
    )  # fmt: skip
    add_decision(db, CHALLENGER, "kept_champion", champion=CHAMPION, reasons=[reason("not_better", favourable=False)])
    for alias, name in (("champion", CHAMPION), ("previous", OLD), ("challenger", CHALLENGER)):
        add_alias(db, name, alias, promotion_id=promoted if alias == "champion" else None)


def reason(code: str, *, favourable: bool) -> dict[str, Any]:
    return {"code": code, "text": f"the sentence of {code}", "favourable": favourable}


def scorecard(accuracy: float) -> dict[str, Any]:
    """The part of a scorecard that is shown, of a model and two rivals."""

    def card(share: float) -> dict[str, Any]:
        interval = {"estimate": share, "low": share - 0.03, "high": share + 0.03}
        numbers = {
            "n": 100,
            "accuracy": share,
            "accuracy_interval": interval,
            "calibration": {"brier": 1 - share, "ece": 0.1},
        }
        return {"overall": numbers, "tasks": {TASK: {**numbers, "rank_ic": {"mean": share - 0.35}}}}

    return {"model": card(accuracy), "majority": card(0.38), "persistence": card(0.33)}


def training(run_key: int) -> dict[str, Any]:
    """A training of 200 steps that is done."""
    losses = [[step, round(2.4 / (1 + step / 40), 3)] for step in range(1, 200, 4)]
    looks = [{"kind": "validation", "step": step, "answer_loss": 2.4 / (1 + step / 55)} for step in (0, 100, 200)]
    return {
        "recipe_id": "r" * 64, "recipe": {}, "dataset_id": DATASET, "base_gguf": "0" * 64, "job": "trainings/r",
        "adapter_sha256": "1" * 64, "gguf_sha256": "2" * 64, "started_at": "2026-02-01 10:00+08",
        "finished_at": "2026-02-01 11:00+08", "run_key": run_key,
        "result": {"version": "0.1.0", "steps": 200, "best_step": 200, "losses": losses, "looks": looks},
    }  # fmt: skip


def _write(db: Database, table: str, row: dict[str, Any]) -> None:
    insert(db, table, "1", **row)


def _asked() -> list[tuple[str, str, date, str]]:
    """sample_id, stock, session and what came true of each question."""
    days = [date(2026, 3, 2) + timedelta(days=n + 2 * (n // 5)) for n in range(SESSIONS)]
    return [
        (f"{n:04d}{k}" * 8, code, day, ("up", "flat", "down")[(n + k) % 3])
        for n, day in enumerate(days)
        for k, code in enumerate(STOCKS)
    ]


def _questions(db: Database, run_key: int) -> None:
    for position, (sample, code, day, label) in enumerate(_asked()):
        row = {
            "sample_id": sample, "ts_code": code, "session": day, "task": TASK,
            "snapshot": {"name": code, "industry": "银行"}, "snapshot_sha256": sample,
            "answer": {}, "label": label, "label_end": day, "bars_from": day,
            "feature_version": "2", "prompt_version": "v1", "run_key": run_key,
        }  # fmt: skip
        _write(db, "samples", row)
        member = {
            "dataset_id": DATASET,
            "sample_id": sample,
            "split": "validation",
            "net": {"up": 0.03, "flat": 0.0, "down": -0.03}[label],
        }
        _write(db, "dataset_samples", member)
        _write(db, "questions", {"question_set_id": "q" * 64, "position": position, "sample_id": sample})


def _answers(db: Database, evaluation_id: int, every: int) -> None:
    """Right in all but every so many questions."""
    for n, (sample, _, _, label) in enumerate(_asked()):
        said = label if n % every else {"up": "down", "flat": "up", "down": "flat"}[label]
        likely = {name: 0.6 if name == said else 0.2 for name in ("up", "flat", "down")}
        row = {
            "evaluation_id": evaluation_id, "sample_id": sample, "raw": "{}", "parsed": {}, "valid": True,
            "label": said, "probabilities": likely, "probabilities_from": "tokens", "latency_s": 1.0,
            "prompt_tokens": 1, "answer_tokens": 1,
        }  # fmt: skip
        _write(db, "answers", row)
