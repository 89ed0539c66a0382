"""The aliases after a decision: they follow it on the server, and nothing is served that is not what was decided on."""

from __future__ import annotations

from typing import Any

import pytest

from ljwx.exceptions import BuildFailed, ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.serving import serve_aliases
from ljwx.stages.promote.decision import decide_promotion
from support_chain import SMALL, Chain, Database, evaluation_of
from support_decisions import LATEST, OTHER, answered, digests, made, promotions, second_model, settings
from support_ollama import OllamaServer
from support_rows import add_alias
from support_tasks import TaskRunner


def test_an_alias_that_was_lost_on_the_server_is_put_back(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    tasks.run(decide_promotion, *evaluation)
    server.delete(LATEST)
    tasks.run(decide_promotion, *evaluation)
    assert digests(server)[LATEST] == digests(server)[chain.plan["model"]]


def test_a_challenger_keeps_its_alias_and_tag_until_it_is_champion(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    evaluation = answered(chain_db, chain, model, right=4, valid=False)
    WarehouseHook().set_challenger(model, chain.built["digest"])
    rejected = tasks.run(decide_promotion, *evaluation)
    assert chain_db.rows("SELECT alias, model, promotion_id FROM ljwx.aliases") == [
        {"alias": "challenger", "model": model, "promotion_id": rejected["promotion_id"]}
    ]
    assert digests(server)["ljwx-stock:challenger"] == chain.built["digest"]
    loose = {**settings(test_share=0), "gate": SMALL["gate"] | {"min_valid_share": 0.0}}
    tasks.variables["ljwx_training_config"] = loose
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "first_champion"
    assert chain_db.rows("SELECT alias, model FROM ljwx.aliases") == [{"alias": "champion", "model": model}]
    assert "ljwx-stock:challenger" not in digests(server)


def test_a_rollback_while_the_sealed_questions_are_asked_is_not_undone(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No champion when the challenger was compared; a person has put one in place before the decision is written."""
    tasks.variables["ljwx_training_config"] = settings(test_share=0.25)
    second_model(chain_db, chain, server)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    save = WarehouseHook.save_answer

    def interrupted(self: WarehouseHook, evaluation_id: int, answer: Any) -> None:
        add_alias(chain_db, OTHER)  # over a connection of its own, as another process would
        save(self, evaluation_id, answer)

    monkeypatch.setattr(WarehouseHook, "save_answer", interrupted)
    with pytest.raises(ConfigurationError, match=f"another champion in between: .* the champion is {OTHER}"):
        tasks.run(decide_promotion, *evaluation)
    assert promotions(chain_db) == []
    assert chain_db.column("SELECT model FROM ljwx.aliases") == [OTHER]


def test_the_champion_that_is_beaten_becomes_previous(chain_db: Database, chain: Chain, server: OllamaServer) -> None:
    second_model(chain_db, chain, server)
    chain_db.execute("UPDATE ljwx.models SET digest = %s WHERE model = %s", "0" * 64, OTHER)
    add_alias(chain_db, OTHER)
    evaluation = evaluation_of(chain_db, chain, chain.plan["model"])
    run = chain_db.column("SELECT run_key FROM ljwx.models")[0]
    WarehouseHook().save_promotion(run, made(chain, evaluation, OTHER), chain.built["digest"])
    assert chain_db.rows("SELECT alias, model FROM ljwx.aliases ORDER BY alias") == [
        {"alias": "champion", "model": chain.plan["model"]},
        {"alias": "previous", "model": OTHER},
    ]


def test_a_previous_champion_that_is_gone_from_the_server_has_no_tag_and_the_champion_is_served(
    chain_db: Database, chain: Chain, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    second_model(chain_db, chain, server)
    add_alias(chain_db, model)
    add_alias(chain_db, OTHER, "previous")
    serve_aliases(WarehouseHook(), OllamaHook(), "ljwx-stock")
    assert digests(server)["ljwx-stock:previous"] == digests(server)[LATEST] == digests(server)[model]
    server.delete(OTHER)
    chain_db.execute("UPDATE ljwx.aliases SET digest = repeat('0', 64) WHERE alias = 'previous'")
    serve_aliases(WarehouseHook(), OllamaHook(), "ljwx-stock")
    assert "ljwx-stock:previous" not in digests(server)
    assert digests(server)[LATEST] == digests(server)[model]


def test_a_champion_that_was_replaced_on_the_server_is_not_served(
    chain_db: Database, chain: Chain, server: OllamaServer
) -> None:
    add_alias(chain_db, chain.plan["model"])
    chain_db.execute("UPDATE ljwx.aliases SET digest = repeat('0', 64)")
    with pytest.raises(BuildFailed, match=f"{LATEST} cannot be the champion {chain.plan['model']}"):
        serve_aliases(WarehouseHook(), OllamaHook(), "ljwx-stock")
    assert LATEST not in digests(server)
