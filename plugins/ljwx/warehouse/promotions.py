"""What was decided about models, and which of them the aliases name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from ljwx.exceptions import BadData, ConfigurationError
from ljwx.warehouse.base import WarehouseBase, statement
from ljwx.warehouse.models import ALIAS_LOCK

PROMOTE = ("promotions/keep_previous", "promotions/set_champion", "promotions/drop_challenger")


class PromotionsVerbs(WarehouseBase):
    """Verbs of the stage `promotions`."""

    def alias_rows(self) -> dict[str, dict[str, Any]]:
        """Return by alias: model, digest, updated_at, and the decision that set it: `beaten` was its rival then."""
        return {row["alias"]: row for row in self.rows("promotions/aliases")}

    def champion(self) -> dict[str, Any] | None:
        """Return the row of the alias `champion`."""
        return self.alias_rows().get("champion")

    def set_challenger(self, model: str, digest: str) -> None:
        """Let the alias `challenger` name a model that is about to be asked."""
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            connection.execute(statement("promotions/set_challenger"), {"model": model, "digest": digest})

    def standing_decision(self, evaluation_id: int, policy: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return promotion_id, model and verdict of what was decided on these answers, if it still is the answer.

        It is, while the policy and the champion are the same, and for a model that is the champion by now.
        """
        return self.row("promotions/standing", evaluation_id=evaluation_id, policy=Jsonb(policy))

    def rolled_back(self, model: str) -> dict[str, Any] | None:
        """Return the model like this one that a person took out of service and nobody put back: model, reason, same.

        Like it is one of the same strategy, base, system prompt and parameters; `same`: with the same examples too.
        """
        return self.row("promotions/rolled_back", model=model)

    def save_promotion(self, run_key: int, promotion: Mapping[str, Any], digest: str) -> int:
        """Write a decision and, where it promotes, move the aliases, in one transaction.

        :param promotion: its `champion` is whom the challenger was compared with.
        :param digest: the challenger's.
        :return: promotion_id; that of the decision that stands already on the same evidence, if there is one.
        :raises ConfigurationError: there is another champion by now; nothing was written.
        """
        policy = Jsonb(promotion["policy"])
        values = {**promotion, "run_key": run_key, "reasons": Jsonb(promotion["reasons"]), "policy": policy}
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            if standing := connection.execute(statement("promotions/standing"), values).fetchone():
                return int(standing["promotion_id"])
            _check_deciding(connection, promotion)
            row = connection.execute(statement("promotions/add"), values).fetchone() or {}
            alias = {"model": promotion["challenger"], "digest": digest, **row}
            for name in PROMOTE if promotion["promoted"] else ("promotions/judge_challenger",):
                connection.execute(statement(name), alias)
        return int(row["promotion_id"])

    def save_refusal(
        self, run_key: int, model: str, reasons: Sequence[Mapping[str, Any]], checks: Mapping[str, Any]
    ) -> int:
        """Write that a model failed its verification; of a task instance's attempts the last one stays. No alias moves.

        :param reasons: what holds, and last what does not.
        :param checks: what was measured until then.
        :return: promotion_id.
        """
        values = {"model": model, "run_key": run_key, "reasons": Jsonb(reasons), "checks": Jsonb(checks)}
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            row = connection.execute(statement("promotions/refuse"), values).fetchone() or {}
        return int(row["promotion_id"])

    def refusal_of_run(self, dag_id: str, run_id: str, model: str) -> int | None:
        """Return the promotion_id of a DAG run's refusal of a model; None where its last attempt did not refuse it."""
        found = self.row("promotions/refusal_of_run", dag_id=dag_id, run_id=run_id, model=model)
        return None if found is None else int(found["promotion_id"])

    def save_rollback(self, run_key: int, champion: str, previous: str, reason: Mapping[str, Any]) -> int:
        """Write a rollback as a decision and swap the aliases `champion` and `previous`, in one transaction.

        :raises BadData: the aliases are others by now; nothing was written.
        :return: promotion_id.
        """
        values = {"champion": champion, "previous": previous, "run_key": run_key, "reasons": Jsonb([dict(reason)])}
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            row = connection.execute(statement("promotions/roll_back"), values).fetchone()
            if row is None:
                raise BadData(f"the champion is no longer {champion}, or the previous one no longer {previous}")
            connection.execute(statement("promotions/swap_aliases"), row)
        return int(row["promotion_id"])

    def rollback_of_run(self, run_key: int) -> dict[str, Any] | None:
        """Return promotion_id, model and instead_of of the rollback that a task instance has written, if any."""
        return self.row("promotions/rollback_of_run", run_key=run_key)


def _check_deciding(connection: Connection[dict[str, Any]], promotion: Mapping[str, Any]) -> None:
    """Refuse a decision that was overtaken: its model was deleted, or another one is champion."""
    model = {"model": promotion["challenger"]}
    deleted = (connection.execute(statement("models/by_name"), model).fetchone() or {})["deleted_at"]
    if promotion["promoted"] and deleted is not None:
        raise BadData(f"{promotion['challenger']} was deleted on {deleted:%Y-%m-%d}; build it again")
    aliases = connection.execute(statement("promotions/aliases")).fetchall()
    champion = next((row["model"] for row in aliases if row["alias"] == "champion"), None)
    if champion != promotion["champion"]:
        raise ConfigurationError(
            f"another champion in between: {promotion['challenger']} was compared with {promotion['champion']}, "
            f"the champion is {champion}; nothing was decided. Clear the task plan_questions and what follows"
        )
