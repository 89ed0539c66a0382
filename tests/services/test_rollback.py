"""The previous champion put back: decided once, told why, served, and not undone by a repeated decision."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowSkipException
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.core.promotions.reasons import Reason, RolledBack
from ljwx.exceptions import BadData, ConfigurationError, ModelMissing, NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.rollback import rollback
from ljwx.stages.build.rollback import roll_back_if_asked
from ljwx.warehouse.promotions import Promotion, Rollback
from support_chain import Chain, Database, evaluation_of
from support_ollama import BASE, OllamaServer
from support_rows import add_alias, add_decision, add_model
from support_tasks import TaskRunner

LATEST, PREVIOUS, NEWER, THIRD = (f"ljwx-stock:{tag}" for tag in ("latest", "previous", "newer", "third"))
WRITTEN = ("promotions", "aliases")


@pytest.fixture
def replaced(chain_db: Database, chain: Chain, ollama_sandbox: OllamaServer) -> Iterator[Database]:
    """The chain's model was champion; a newer one took its place and is served."""
    old = chain.plan["model"]
    for name in (NEWER, LATEST):
        assert ollama_sandbox.post("copy", {"source": old, "destination": name}).ok
    add_model(chain_db, NEWER)
    evaluation = evaluation_of(chain_db, chain, NEWER)
    decision = add_decision(chain_db, NEWER, "promoted", champion=old, evaluation_id=evaluation)
    for model, alias in ((NEWER, "champion"), (old, "previous")):
        add_alias(chain_db, model, alias, promotion_id=decision)
    yield chain_db
    for name in (NEWER, LATEST, PREVIOUS):
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
    from ljwx.services.rollback import put_back
    from ljwx.warehouse.runs import RunRef

    warehouse = WarehouseHook()
    run_key = warehouse.start_run(RunRef("tests", "manual__1", "roll_back_if_asked"))
    first, again = (put_back(warehouse, run_key, "why") for _ in range(2))
    assert first == again
    assert aliases(replaced)["champion"] == chain.plan["model"]


def test_a_decision_that_was_rolled_back_is_not_carried_out_again(
    replaced: Database, chain: Chain, tasks: TaskRunner
) -> None:
    rollback("worse on the desk")
    before = aliases(replaced)
    (old,) = replaced.rows("SELECT * FROM ljwx.promotions WHERE verdict = 'promoted'")
    again = promoting(chain, NEWER, chain.plan["model"], old["evaluation_id"])
    assert WarehouseHook().save_promotion(old["run_key"], again, "0" * 64) == old["promotion_id"]
    assert aliases(replaced) == before


BAD = Reason(code="rolled_back", text="bad", favourable=True)


def promoting(chain: Chain, challenger: str, champion: str, evaluation_id: int) -> Promotion:
    """A decision as it is handed to the warehouse."""
    return Promotion(
        challenger, champion, chain.question_set_id, evaluation_id, "promoted", promoted=True, reasons=[], policy={}
    )


def test_a_decision_that_waited_for_a_rollback_does_not_undo_it(replaced: Database, chain: Chain) -> None:
    """The challenger was compared with NEWER; the rollback has begun when the decision is to be written."""
    add_model(replaced, THIRD)
    decision = promoting(chain, THIRD, NEWER, evaluation_of(replaced, chain, THIRD))
    refused: list[str] = []

    def promote() -> None:
        try:
            WarehouseHook().save_promotion(1, decision, "0" * 64)
        except ConfigurationError as error:
            refused.append(str(error))

    with psycopg.connect(replaced.url) as rolling_back:
        rolling_back.execute("SELECT pg_advisory_xact_lock(hashtext('ljwx.aliases'))")
        promotion = threading.Thread(target=promote)
        promotion.start()
        deadline = time.monotonic() + 30
        while not replaced.turns(taken=False) and time.monotonic() < deadline:
            promotion.join(0.05)
        rolling_back.execute("UPDATE ljwx.aliases SET model = %s WHERE alias = 'champion'", (chain.plan["model"],))
    promotion.join(30)
    assert len(refused) == 1
    assert f"was compared with {NEWER}, the champion is {chain.plan['model']}; nothing was decided" in refused[0]
    assert replaced.rows("SELECT FROM ljwx.promotions WHERE challenger = %s", THIRD) == []
    assert aliases(replaced)["champion"] == chain.plan["model"]


def test_a_rollback_that_was_not_served_is_served_when_it_is_asked_for_again(
    replaced: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    """The server was gone between the decision and the serving: asking again must not put the bad model back."""
    old = chain.plan["model"]
    bad = ollama_sandbox.post("create", {"model": NEWER, "from": BASE, "system": "x", "stream": False})
    assert bad.ok
    assert ollama_sandbox.post("copy", {"source": NEWER, "destination": LATEST}).ok
    replaced.execute("UPDATE ljwx.aliases SET digest = %s WHERE alias = 'champion'", digests(ollama_sandbox)[NEWER])
    decided = WarehouseHook().save_rollback(1, NEWER, old, BAD)
    assert rollback("bad") == Rollback(decided, old, NEWER)
    assert aliases(replaced) == {"champion": old, "previous": NEWER}
    served = digests(ollama_sandbox)
    assert (served[LATEST], served[PREVIOUS]) == (served[old], served[NEWER])
    # Served, it is undone as before.
    assert rollback("it was the data").model == NEWER
    assert digests(ollama_sandbox)[LATEST] == served[NEWER]


def test_a_champion_by_rollback_that_is_lost_on_the_server_can_be_rolled_back_from(
    replaced: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    """NEWER came back by a rollback and lost its tags; the chain's model is the way out."""
    old = chain.plan["model"]
    for _ in range(2):
        rollback("to and fro")
    for name in (NEWER, LATEST):
        assert ollama_sandbox.delete(name) == 200
    done = rollback("it is lost")
    assert (done.model, done.instead_of) == (old, NEWER)
    assert aliases(replaced)["champion"] == old
    served = digests(ollama_sandbox)
    assert served[LATEST] == served[old]


def test_a_previous_champion_that_was_replaced_on_the_server_is_not_put_back(
    replaced: Database, chain: Chain, tasks: TaskRunner
) -> None:
    replaced.execute("UPDATE ljwx.aliases SET digest = repeat('0', 64) WHERE alias = 'previous'")
    before = replaced.state(*WRITTEN)
    with pytest.raises(ModelMissing, match=f"{chain.plan['model']} on .* is another model by now: .*, not 0000"):
        rollback("why")
    assert replaced.state(*WRITTEN) == before


def test_what_a_person_rolled_back_is_told_of_models_like_it_until_it_is_put_back(
    replaced: Database, chain: Chain, tasks: TaskRunner
) -> None:
    add_model(replaced, THIRD)
    assert WarehouseHook().rolled_back(THIRD) is None
    rollback("it invents prices")
    same = RolledBack(model=NEWER, reason="it invents prices", same=True)
    assert WarehouseHook().rolled_back(THIRD) == same
    # The same texts from other samples, as of a dataset that was made again, and then other texts.
    of = "UPDATE ljwx.models SET spec_sha256 = 'another', spec = jsonb_set(spec, %s, %s) WHERE model = %s"
    replaced.execute(of, "{examples}", '["elsewhere"]', THIRD)
    assert WarehouseHook().rolled_back(THIRD) == same
    replaced.execute(of, "{messages}", '[{"role": "user", "content": "?"}]', THIRD)
    assert WarehouseHook().rolled_back(THIRD) == same.model_copy(update={"same": False})
    replaced.execute("UPDATE ljwx.models SET spec = jsonb_set(spec, '{parameters,seed}', '8') WHERE model = %s", THIRD)
    assert WarehouseHook().rolled_back(THIRD) is None
    rollback("it was the data")  # NEWER is champion again, and the chain's model is what was taken out
    assert WarehouseHook().rolled_back(NEWER) == RolledBack(
        model=chain.plan["model"], reason="it was the data", same=True
    )


def digests(server: OllamaServer) -> dict[str, str]:
    return {tag["name"]: tag["digest"].removeprefix("sha256:") for tag in server.get("tags")["models"]}


def test_with_nothing_to_roll_back_to_it_says_so(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    before = chain_db.state(*WRITTEN)
    with pytest.raises(NotFound, match="nothing to roll back to: there is no champion"):
        rollback("why")
    add_alias(chain_db, chain.plan["model"])
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
        WarehouseHook().save_rollback(1, "ljwx-stock:another", chain.plan["model"], BAD)
    assert replaced.state(*WRITTEN) == before


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_rollback_without_a_reason_is_refused(replaced: Database, reason: str) -> None:
    with pytest.raises(ConfigurationError, match="a rollback needs a reason"):
        rollback(reason)
