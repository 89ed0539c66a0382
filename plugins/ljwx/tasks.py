"""The door that the DAG files use: one short function a task, which imports its stage when it runs.

Airflow parses the DAG files all the time and forks the processes of its tasks: nothing heavy may be loaded before a
task runs, and polars' thread pool does not survive a fork. Everywhere else imports are ordinary.
"""

from __future__ import annotations

from typing import Any


def migrate_warehouse() -> None:
    """Bring the schema `ljwx` to the newest migration."""
    from ljwx.stages.ingest import plan

    plan.migrate_warehouse()


def plan_ingest() -> list[dict[str, str]]:
    """Refresh the reference data and cut into months what the run fetches: its sessions, and what it makes up for."""
    from ljwx.stages.ingest import plan

    return plan.plan_ingest()


def ingest_bars(chunk: dict[str, str]) -> dict[str, int]:
    """Fetch, check and write the sessions of one month."""
    from ljwx.stages.ingest import bars

    return bars.ingest_bars(chunk)


def compute_features(chunks: list[dict[str, str]]) -> dict[str, int]:
    """Compute the features from the first session on whose bars have changed."""
    from ljwx.stages.ingest import features

    return features.compute_features(chunks)


def announce_bars(chunks: list[dict[str, str]] | None = None) -> int:
    """Announce the complete sessions of the run as partitions of the asset `bars`."""
    from ljwx.stages.ingest import announcing

    return announcing.announce_bars(chunks)


def check_gaps() -> dict[str, Any]:
    """Report missing and incomplete sessions, and how far the calendar reaches."""
    from ljwx.stages.ingest import gaps

    return gaps.check_gaps()


def build_dataset() -> str:
    """Make the dataset of all complete sessions."""
    from ljwx.stages.samples import dataset

    return dataset.build_dataset()


def roll_back_if_asked() -> None:
    """Put the previous champion back where the run's params ask for it."""
    from ljwx.stages.build import rollback

    rollback.roll_back_if_asked()


def choose_base() -> str:
    """Return the tag of the base model that the settings name."""
    from ljwx.stages.build import plan

    return plan.choose_base()


def plan_build() -> dict[str, str]:
    """Write the build spec of a model on the newest dataset."""
    from ljwx.stages.build import plan

    return plan.plan_build()


def prepare_training(plan: dict[str, str]) -> dict[str, str]:
    """Write the folder of a training; skip where the strategy changes no weights."""
    from ljwx.stages.build import training

    return training.prepare_training(plan)


def verify_model(plan: dict[str, str], built: dict[str, Any]) -> str:
    """Record the model, then see that it is what was asked for and answers."""
    from ljwx.stages.build import verification

    return verification.verify_model(plan, built)


def freeze_questions(dataset_id: str) -> str:
    """Choose the dataset's question set from its validation split."""
    from ljwx.stages.evaluate import questions

    return questions.freeze_questions(dataset_id)


def plan_questions(model: str, question_set_id: str) -> list[dict[str, int]]:
    """Open the evaluations and share them out in shards."""
    from ljwx.stages.evaluate import questions

    return questions.plan_questions(model, question_set_id)


def ask_questions(shard: dict[str, int]) -> int:
    """Ask the questions of one shard that have no answer yet."""
    from ljwx.stages.evaluate import asking

    return asking.ask_questions(shard)


def decide_promotion(model: str, question_set_id: str) -> dict[str, Any]:
    """Score the challenger, decide, and serve the champion."""
    from ljwx.stages.promote import decision

    return decision.decide_promotion(model, question_set_id)


def look_at_champion() -> dict[str, Any]:
    """Gather evidence about the champion where no model is judged."""
    from ljwx.stages.promote import champion

    return champion.look_at_champion()


def write_report(plan: dict[str, str] | None, decided: dict[str, Any] | None) -> str:
    """Write the report of what this run decided."""
    from ljwx.stages.promote import report

    return report.write_report(plan, decided)


def settle_sessions() -> dict[str, int]:
    """Score the forward record's sessions whose horizon is over, and anew those whose bars were corrected."""
    from ljwx.stages.forward import settle

    return settle.settle_sessions()


def write_month() -> list[str]:
    """Write the page of each month of the forward record that is over and settled, and not written as it is known."""
    from ljwx.stages.forward import month

    return month.write_month()


def watch_champion() -> dict[str, Any]:
    """Look whether the champion is still what its record showed, tell once of what is not, and do what is set."""
    from ljwx.stages.forward import watching

    return watching.watch_champion()


def open_session() -> str:
    """Open the forward record's batch of the newest complete session, if its deadline is ahead."""
    from ljwx.stages.forward import opening

    return opening.open_session()


def ask_session(session: str) -> dict[str, int]:
    """Let rules and models answer what has no answer yet about a session."""
    from ljwx.stages.forward import asking

    return asking.ask_session(session)


def seal_session(session: str, asked: dict[str, int] | None) -> str:
    """Seal a session of the forward record, and tell its digest; what was asked is None where asking failed."""
    from ljwx.stages.forward import sealing

    return sealing.seal_session(session, asked)


def tell_watchlist(session: str) -> int:
    """Send the sealed answers about the watchlist by the alert channels, where the settings ask for it."""
    from ljwx.stages.forward import message

    return message.tell_watchlist(session)


def look_at_record() -> dict[str, Any]:
    """Look at what the forward record says of lines, and promote where it is enough."""
    from ljwx.stages.promote import record

    return record.look_at_record()


def report_look(promotion_id: int) -> str:
    """Write the report of what a look at the forward record has decided."""
    from ljwx.stages.promote import report

    return report.report_look(promotion_id)


def apply_retention() -> dict[str, int | bool]:
    """Remove what the policy does not protect; in a dry run only say what would go."""
    from ljwx.stages.cleanup import retention

    return retention.apply_retention()


def audit_storage() -> int:
    """List what has lost its other half."""
    from ljwx.stages.cleanup import audit

    return audit.audit_storage()
