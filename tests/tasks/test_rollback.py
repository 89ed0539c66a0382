"""The previous champion put back: decided once, told why, served, and not undone by a repeated decision."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.exceptions import BadData, ConfigurationError, ModelMissing, NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.tasks.rollback import roll_back_if_asked, rollback
from support_chain import Chain, Database
from support_ollama import OllamaServer
from support_tasks import TaskRunner

LATEST, NEWER = "ljwx-stock:latest", "ljwx-stock:newer"
WRITTEN = ("promotions", "aliases")


@pytest.fixture
def replaced(chain_db: Database, chain: Chain, ollama_sandbox: OllamaServer) -> Iterator[Database]:
    """The chain's model was champion; a newer one took its place and is served."""
    old = chain.plan["model"]
    for name in (NEWER, LATEST):
        assert ollama_sandbox.post("copy", {"source": old, "destination": name}).ok
    chain_db.execute(
        "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key) "
        "SELECT %s, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key FROM ljwx.models",
        NEWER,
    )  # fmt: skip
    decision = chain_db.insert(
        "INSERT INTO ljwx.promotions (challenger, champion, question_set_id, verdict, promoted, reasons, policy, "
        "run_key) SELECT %s, %s, %s, 'promoted', true, '[]', '{}', min(run_key) FROM ljwx.models "
        "RETURNING promotion_id",
        NEWER, old, chain.question_set_id,
    )  # fmt: skip
    chain_db.execute(
        "INSERT INTO ljwx.aliases (alias, model, digest, promotion_id) SELECT CASE model WHEN %s THEN 'champion' "
        "ELSE 'previous' END, model, digest, %s FROM ljwx.models", NEWER, decision,
    )  # fmt: skip
    yield chain_db
    for name in (NEWER, LATEST):
        ollama_sandbox.delete(name)


def aliases(db: Database) -> dict[str, str]:
    return {row["alias"]: row["model"] for row in db.rows("SELECT alias, model FROM ljwx.aliases")}


def test_a_reason_puts_the_previous_champion_back_and_builds_nothing(
    replaced: Database, chain: Chain, tasks: TaskRunner
) -> None:
    old = chain.plan["model"]
    with pytest.raises(AirflowSkipException, match=f"{old} is champion again instead of {NEWER}: nothing is built"):
        tasks.run(roll_back_if_asked, params={"rollback": "it invents prices"})
    assert aliases(replaced) == {"champion": old, "previous": NEWER}
    (row,) = replaced.rows("SELECT * FROM ljwx.promotions WHERE verdict = 'rolled_back'")
    assert (row["challenger"], row["champion"], row["promoted"]) == (old, NEWER, True)
    assert row["reasons"] == [{"code": "rolled_back", "text": "it invents prices", "favourable": True}]
    (run,) = replaced.rows("SELECT * FROM ljwx.runs WHERE run_key = %s", row["run_key"])
    assert (run["task_id"], run["outputs"]["model"]) == ("roll_back_if_asked", old)


@pytest.mark.parametrize("params", [{}, {"rollback": None}, {"rollback": ""}])
def test_without_a_reason_nothing_is_touched(replaced: Database, tasks: TaskRunner, params: dict[str, str]) -> None:
    before = replaced.state()
    tasks.run(roll_back_if_asked, params=params)
    assert replaced.state() == before


def test_the_command_does_the_same_and_done_again_it_undoes_it(
    replaced: Database, chain: Chain, tasks: TaskRunner
) -> None:
    for expected in (chain.plan["model"], NEWER):
        done = CliRunner().invoke(app, ["rollback", "--reason", "worse on the desk"])
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{expected} is champion again instead of ")
        assert aliases(replaced)["champion"] == expected
    assert len(replaced.rows("SELECT FROM ljwx.promotions WHERE verdict = 'rolled_back'")) == 2


def test_a_run_that_is_tried_again_has_rolled_back_once(replaced: Database, chain: Chain) -> None:
    from ljwx.hooks.warehouse import RunRef
    from ljwx.tasks.rollback import _put_back

    warehouse = WarehouseHook()
    run_key = warehouse.start_run(RunRef("tests", "manual__1", "roll_back_if_asked"))
    first, again = (_put_back(warehouse, run_key, "why") for _ in range(2))
    assert first == again
    assert aliases(replaced)["champion"] == chain.plan["model"]


def test_a_decision_that_was_rolled_back_is_not_carried_out_again(
    replaced: Database, chain: Chain, tasks: TaskRunner
) -> None:
    rollback("worse on the desk")
    before = aliases(replaced)
    (old,) = replaced.rows("SELECT * FROM ljwx.promotions WHERE verdict = 'promoted'")
    again = {
        "challenger": NEWER, "champion": chain.plan["model"], "question_set_id": chain.question_set_id,
        "verdict": "promoted", "promoted": True, "reasons": [], "policy": {},
    }  # fmt: skip
    assert WarehouseHook().save_promotion(old["run_key"], again, "0" * 64) == old["promotion_id"]
    assert aliases(replaced) == before


def test_with_nothing_to_roll_back_to_it_says_so(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    before = chain_db.state(*WRITTEN)
    with pytest.raises(NotFound, match="nothing to roll back to: there is no champion"):
        rollback("why")
    chain_db.execute(
        "INSERT INTO ljwx.aliases (alias, model, digest) SELECT 'champion', model, digest FROM ljwx.models"
    )
    with pytest.raises(NotFound, match=f"nothing to roll back to: {chain.plan['model']} is the first champion"):
        rollback("why")
    done = CliRunner().invoke(app, ["rollback", "--reason", "why"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert chain_db.state("promotions") == {"promotions": before["promotions"]}


def test_a_previous_champion_that_is_gone_from_the_server_is_not_put_back(
    replaced: Database, chain: Chain, tasks: TaskRunner
) -> None:
    replaced.execute("ALTER TABLE ljwx.aliases DROP CONSTRAINT aliases_model_fkey")
    replaced.execute("UPDATE ljwx.aliases SET model = 'ljwx-stock:gone' WHERE alias = 'previous'")
    before = replaced.state(*WRITTEN)
    with pytest.raises(ModelMissing, match="ljwx-stock:gone"):
        rollback("why")
    assert replaced.state(*WRITTEN) == before


def test_aliases_that_moved_in_between_stay(replaced: Database, chain: Chain) -> None:
    before = replaced.state(*WRITTEN)
    with pytest.raises(BadData, match="the champion is no longer"):
        WarehouseHook().save_rollback(1, "ljwx-stock:another", chain.plan["model"], {"code": "x", "text": "y"})
    assert replaced.state(*WRITTEN) == before


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_rollback_without_a_reason_is_refused(replaced: Database, reason: str) -> None:
    with pytest.raises(ConfigurationError, match="a rollback needs a reason"):
        rollback(reason)
