"""What was decided about models, and which of them the aliases name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from ljwx.core.promotions.reasons import Looked, Reason, RolledBack
from ljwx.core.promotions.record import LineRecord
from ljwx.core.reports.records import ReportedDecision
from ljwx.exceptions import BadData, ConfigurationError
from ljwx.warehouse.base import WarehouseBase, statement

ALIAS_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.aliases'))"
PROMOTE = ("promotions/keep_previous", "promotions/set_champion", "promotions/drop_challenger")


@dataclass(frozen=True)
class Alias:
    """A name that stands for a model: champion, previous or challenger.

    :param promotion_id: the decision that set it, with its `verdict` and `reasons`; None before one.
    :param beaten: the model that the decision compared it with.
    :param proven: whether it was shown that its line is any good; None where nobody asked.
    :param failing: what the watch over the forward record marks its line for; None where it does not.
    """

    alias: str
    model: str
    digest: str
    updated_at: datetime
    promotion_id: int | None
    verdict: str | None
    reasons: Sequence[Mapping[str, Any]] | None
    beaten: str | None
    proven: bool | None = None
    failing: str | None = None


@dataclass(frozen=True)
class Promotion:
    """A decision to be written.

    :param champion: the model that the challenger was compared with.
    :param policy: the gate's settings, as JSON.
    :param proven: whether it was shown that the challenger's line is any good.
    :param evidence: what that rests on; None where nothing was weighed.
    :param used: the sessions that promote its line, which never count for it again.
    :param anew: evidence came since the same answers were decided on: then the champion was kept for want of it.
    """

    challenger: str
    champion: str | None
    question_set_id: str
    evaluation_id: int | None
    verdict: str
    promoted: bool
    reasons: Sequence[Reason]
    policy: Mapping[str, Any]
    proven: bool | None = None
    evidence: LineRecord | None = None
    used: Sequence[date] = ()
    anew: bool = False


@dataclass(frozen=True)
class Decided:
    """A decision that was written, about a model."""

    promotion_id: int
    model: str
    verdict: str


@dataclass(frozen=True)
class Rollback:
    """A rollback that was written: `model` serves again instead of another one."""

    promotion_id: int
    model: str
    instead_of: str


class PromotionsVerbs(WarehouseBase):
    """Verbs of the stage `promotions`."""

    def aliases(self) -> list[Alias]:
        """Return the aliases that stand for a model, sorted by name."""
        return self.records(Alias, "promotions/aliases")

    def alias(self, name: str) -> Alias | None:
        """Return an alias; None while it stands for no model."""
        return next((each for each in self.aliases() if each.alias == name), None)

    def champion(self) -> Alias | None:
        """Return the alias `champion`."""
        return self.alias("champion")

    def set_challenger(self, model: str, digest: str) -> None:
        """Let the alias `challenger` name a model that is about to be asked."""
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            connection.execute(statement("promotions/set_challenger"), {"model": model, "digest": digest})

    def standing_decision(self, evaluation_id: int, policy: Mapping[str, Any]) -> Decided | None:
        """Return what was decided on these answers, if it still is the answer.

        It is, while the policy and the champion are the same, and for a model that is the champion by now.
        """
        values = {"evaluation_id": evaluation_id, "policy": Jsonb(policy), "anew": False}
        return self.record(Decided, "promotions/standing", **values)

    def kept_from(self, model: str) -> int | None:
        """Return the evaluation that a model was last decided on, where that kept the champion; else None."""
        found = self.column("promotions/kept_from", model=model)
        return found[0] if found else None

    def rolled_back(self, model: str) -> RolledBack | None:
        """Return the model like this one that a person took out of service and nobody put back.

        Like it is one of the same strategy, base, system prompt and parameters; `same`: with the same examples too.
        """
        return self.record(RolledBack, "promotions/rolled_back", model=model)

    def looked(self, model: str) -> Looked:
        """Return how often was decided before about this model, whatever its name, and about models of its line."""
        return self.record(Looked, "promotions/looked", model=model) or Looked(of_line=0, of_model=0, other_lines=0)

    def save_promotion(self, run_key: int, promotion: Promotion, digest: str) -> int:
        """Write a decision and, where it promotes, move the aliases, in one transaction.

        :param digest: the challenger's.
        :return: promotion_id; that of the decision that stands already on the same evidence, if there is one.
        :raises ConfigurationError: there is another champion by now; nothing was written.
        """
        evidence = None if promotion.evidence is None else Jsonb(promotion.evidence.model_dump(mode="json"))
        documents = {
            "reasons": _reasons(promotion.reasons), "policy": Jsonb(promotion.policy), "evidence": evidence,
        }  # fmt: skip
        values = vars(promotion) | documents | {"run_key": run_key, "used": list(promotion.used)}
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            if (standing := _number(connection, "promotions/standing", values)) is not None:
                return standing
            _check_deciding(connection, promotion)
            promotion_id = _written(connection, "promotions/add", values)
            connection.execute(statement("promotions/add_uses"), values)
            if promotion.verdict == "promoted" and promotion.evidence is not None:
                pair = {"line": promotion.evidence.line, "rival": promotion.evidence.rival}
                connection.execute(statement("promotions/use_stake"), pair | {"promotion_id": promotion_id})
            alias = {"model": promotion.challenger, "digest": digest, "promotion_id": promotion_id}
            for name in PROMOTE if promotion.promoted else ("promotions/decide_challenger",):
                connection.execute(statement(name), alias)
        return promotion_id

    def save_refusal(self, run_key: int, model: str, reasons: Sequence[Reason], checks: Mapping[str, Any]) -> int:
        """Write that a model failed its verification; of a task instance's attempts the last one stays. No alias moves.

        :param reasons: what holds, and last what does not.
        :param checks: what was measured until then, as JSON.
        :return: promotion_id.
        """
        values = {"model": model, "run_key": run_key, "reasons": _reasons(reasons), "checks": Jsonb(checks)}
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            return _written(connection, "promotions/refuse", values)

    def refusal_of_run(self, dag_id: str, run_id: str, model: str) -> int | None:
        """Return the promotion_id of a DAG run's refusal of a model; None where its last attempt did not refuse it."""
        found = self.column("promotions/refusal_of_run", dag_id=dag_id, run_id=run_id, model=model)
        return found[0] if found else None

    def decided_beside(self, dag_id: str, run_id: str) -> list[int]:
        """Return what a DAG run decided about other open lines than the one that it was about."""
        return self.column("promotions/decided_beside", dag_id=dag_id, run_id=run_id)

    def save_rollback(self, run_key: int, champion: str, previous: str, reason: Reason) -> int:
        """Write a rollback as a decision and swap the aliases `champion` and `previous`, in one transaction.

        :raises BadData: the aliases are others by now; nothing was written.
        :return: promotion_id.
        """
        values = {"champion": champion, "previous": previous, "run_key": run_key, "reasons": _reasons([reason])}
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            promotion_id = _number(connection, "promotions/roll_back", values)
            if promotion_id is None:
                raise BadData(f"the champion is no longer {champion}, or the previous one no longer {previous}")
            connection.execute(statement("promotions/swap_aliases"), {"promotion_id": promotion_id})
        return promotion_id

    def decision(self, promotion_id: int) -> ReportedDecision | None:
        """Return a decision with its model, dataset, evaluation and scorecards."""
        return self.record(ReportedDecision, "promotions/reported", promotion_id=promotion_id)

    def rollback_of_run(self, run_key: int) -> Rollback | None:
        """Return the rollback that a task instance has written."""
        return self.record(Rollback, "promotions/rollback_of_run", run_key=run_key)

    def rollback_for(self, model: str, reason: str) -> Rollback | None:
        """Return the newest rollback from a model for a reason, whichever task has written it."""
        return self.record(Rollback, "promotions/rollback_for", model=model, reason=reason)


def _check_deciding(connection: Connection[Any], promotion: Promotion) -> None:
    """Refuse a decision that was overtaken: its model was deleted, or another one is champion."""
    state = connection.execute(statement("promotions/state"), {"model": promotion.challenger}).fetchone()
    deleted, champion = (state["deleted_at"], state["champion"]) if state else (None, None)
    if promotion.promoted and deleted is not None:
        raise BadData(f"{promotion.challenger} was deleted on {deleted:%Y-%m-%d}; build it again")
    if champion != promotion.champion:
        raise ConfigurationError(
            f"another champion in between: {promotion.challenger} was compared with {promotion.champion}, "
            f"the champion is {champion}; nothing was decided. Clear the task plan_questions and what follows"
        )


def _number(connection: Connection[Any], name: str, values: Mapping[str, Any]) -> int | None:
    with connection.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(statement(name), values).fetchone()
    return None if found is None else int(found)


def _written(connection: Connection[Any], name: str, values: Mapping[str, Any]) -> int:
    found = _number(connection, name, values)
    if found is None:
        raise BadData(f"{name} wrote no decision: the run that it belongs to is not recorded")
    return found


def _reasons(reasons: Sequence[Reason]) -> Jsonb:
    return Jsonb([reason.model_dump() for reason in reasons])
