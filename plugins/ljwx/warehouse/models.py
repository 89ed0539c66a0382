"""Models, their question sets and answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from ljwx.core.evaluations import ClaimCounts, Question, ScoredAnswer
from ljwx.exceptions import BadData
from ljwx.warehouse.base import WarehouseBase, statement

ALIAS_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.aliases'))"


class ModelsVerbs(WarehouseBase):
    """Verbs of the stages `models` and `evaluations`."""

    def save_model(self, run_key: int, model: Mapping[str, Any]) -> None:
        """Write what was built, unverified; a model that is known keeps its first row, and is no longer deleted."""
        values = {**model, "spec": Jsonb(model["spec"]), "run_key": run_key}
        with self.transaction() as connection:
            connection.execute(statement("models/add"), values)

    def mark_verified(self, model: str, digest: str, checks: Mapping[str, Any]) -> None:
        """Record that the model answered, and how.

        :raises BadData: it was built anew in between, with another digest.
        """
        values = {"model": model, "digest": digest, "verified": Jsonb(checks)}
        with self.transaction() as connection:
            if not connection.execute(statement("models/set_verified"), values).rowcount:
                raise BadData(f"{model} is no longer the model with digest {digest} that was verified")

    def model(self, model: str) -> dict[str, Any] | None:
        """Return a model's row."""
        return self.row("models/by_name", model=model)

    def decision_on(self, model: str) -> dict[str, Any] | None:
        """Return dataset_id, policy and evaluation settings of the gate's newest decision on a verified model."""
        return self.row("promotions/of_model", model=model)

    def splits_of(self, dataset_id: str, sample_ids: Collection[str]) -> dict[str, str]:
        """Return the split of each of the samples that the dataset holds."""
        rows = self.rows("models/splits", dataset_id=dataset_id, sample_ids=list(sample_ids))
        return {row["sample_id"]: row["split"] for row in rows}

    def save_question_set(
        self,
        run_key: int,
        question_set_id: str,
        dataset_id: str,
        questions: Sequence[Question],
        *,
        kind: str = "validation",
        part_of: str | None = None,
    ) -> None:
        """Write a frozen question set; an equal one that is there already stays as it is.

        :param kind: validation, masked or test.
        :param part_of: of a masked one, the set whose questions it asks again.
        """
        head = {
            "question_set_id": question_set_id, "dataset_id": dataset_id, "run_key": run_key, "kind": kind,
            "part_of": part_of,
        }  # fmt: skip
        rows = [{**head, "position": at, "sample_id": question.sample_id} for at, question in enumerate(questions)]
        with self.transaction() as connection:
            if connection.execute(statement("evaluations/add_question_set"), head).rowcount:
                connection.cursor().executemany(statement("evaluations/add_question"), rows)

    def questions(self, question_set_id: str) -> list[dict[str, Any]]:
        """Return the questions in order: the fields of a Question, and the sample's snapshot and prompt version."""
        return self.rows("evaluations/questions", question_set_id=question_set_id)

    def question_set(self, question_set_id: str) -> dict[str, Any] | None:
        """Return dataset_id, kind and part_of of a question set."""
        return self.row("evaluations/question_set", question_set_id=question_set_id)

    def open_evaluation(
        self,
        run_key: int,
        model: str,
        digest: str,
        question_set_id: str,
        asked_with: Mapping[str, Any],
        *,
        is_base: bool = False,
    ) -> int:
        """Return the evaluation of this model on this question set; what was answered before a kill is still in it.

        :param asked_with: what is sent with every question; answers that were asked otherwise are not in it.
        :param is_base: the model is the untuned base, a tag of the server.
        """
        found = self.row(
            "evaluations/open", model=model, digest=digest, question_set_id=question_set_id, run_key=run_key,
            asked_with=Jsonb(asked_with), is_base=is_base,
        )  # fmt: skip
        return int((found or {})["evaluation_id"])

    def save_answer(self, evaluation_id: int, answer: Mapping[str, Any]) -> None:
        """Write one answer as soon as it came."""
        values = {
            **answer,
            "parsed": _json(answer["parsed"]),
            "probabilities": _json(answer["probabilities"]),
            "claims": _json(answer["claims"]),
            "evaluation_id": evaluation_id,
        }
        with self.transaction() as connection:
            connection.execute(statement("evaluations/add_answer"), values)

    def answers(self, evaluation_id: int) -> list[ScoredAnswer]:
        """Return the answers of an evaluation."""
        return [
            ScoredAnswer(**{**row, "claims": row["claims"] and ClaimCounts(**row["claims"])})
            for row in self.rows("evaluations/answers", evaluation_id=evaluation_id)
        ]

    def evaluation(self, evaluation_id: int) -> dict[str, Any] | None:
        """Return model, digest, question set, is_base, asked_with and scorecard of an evaluation."""
        return self.row("evaluations/by_id", evaluation_id=evaluation_id)

    def evaluation_of(
        self, model: str, digest: str, question_set_id: str, asked_with: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return the evaluation of this very model on a question set, asked in this way."""
        return self.row(
            "evaluations/by_model", model=model, digest=digest, question_set_id=question_set_id,
            asked_with=Jsonb(asked_with),
        )  # fmt: skip

    def masked_evaluation(self, evaluation_id: int) -> dict[str, Any] | None:
        """Return evaluation_id, model and question_set_id of the model's answers to some of the questions masked."""
        return self.row("evaluations/masked", evaluation_id=evaluation_id)

    def market_returns(self, sessions: Collection[date]) -> dict[date, float]:
        """Return each session's mean return of all stocks over the 20 sessions up to it, as a fraction."""
        rows = self.rows("evaluations/market_returns", sessions=sorted(sessions))
        return {row["session"]: row["market_return"] for row in rows}

    def train_snapshots(self, dataset_id: str, most: int) -> list[dict[str, Any]]:
        """Return task, label and snapshot (JSON text) of a dataset's train split, at most so many of each task.

        The draw is by sample_id, which is a hash: the same every time, and of no session or stock in particular.
        """
        return self.rows("evaluations/train_snapshots", dataset_id=dataset_id, most=most)

    def look_at_test(
        self, run_key: int, dataset_id: str, model: str, question_set_id: str, window: tuple[date, date]
    ) -> dict[str, Any]:
        """Record that a model opens the sealed test split of a dataset, before it is asked.

        :param window: first and last session of the split.
        :return: question_set_id, of the first time where the model opened this dataset's before, and looks: how often
            a split that shares sessions with it had been opened then, by this model or others, this time included.
        """
        values = {
            "dataset_id": dataset_id, "model": model, "question_set_id": question_set_id, "run_key": run_key,
            "first_session": window[0], "last_session": window[1],
        }  # fmt: skip
        with self.transaction() as connection:
            connection.execute(statement("evaluations/add_look"), values)
            return connection.execute(statement("evaluations/look"), values).fetchone() or {}

    def save_scorecard(self, evaluation_id: int, scorecard: Mapping[str, Any]) -> None:
        """Write the scorecards of the model and of the baselines on the same questions."""
        with self.transaction() as connection:
            values = {"evaluation_id": evaluation_id, "scorecard": Jsonb(dict(scorecard))}
            connection.execute(statement("evaluations/set_scorecard"), values)


def _json(value: Any) -> Jsonb | None:
    return None if value is None else Jsonb(value)
