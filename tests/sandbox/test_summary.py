"""What the demo tells of the newest build, whatever became of it."""

from __future__ import annotations

import json

import pytest

from ljwx.core.promotions.reasons import Reason
from ljwx.hooks.warehouse import WarehouseHook
from ljwx_sandbox.summary import summarise
from support_chain import Chain, Database
from support_ollama import BASE
from support_rows import add_alias, add_decision, add_evaluation

REASONS = [
    Reason(code="examples", text="It shows no foreign examples.", favourable=True),
    Reason(code="repeated", text="It answers in two ways.", favourable=False),
]


@pytest.mark.parametrize("decided", [False, True])
def test_a_refusal_is_told_with_its_reasons_also_after_an_earlier_decision(
    chain_db: Database, chain: Chain, decided: bool
) -> None:
    if decided:
        add_evaluation(chain_db, chain.plan["model"], chain.question_set_id, scorecard={})
        add_decision(chain_db, chain.plan["model"])
        assert "decision    rejected" in summarise(chain_db.url)
    else:
        assert "model       none yet" in summarise(chain_db.url)
    WarehouseHook().save_refusal(chain_db.value("SELECT run_key FROM ljwx.models"), chain.plan["model"], REASONS, {})
    told = summarise(chain_db.url)
    assert f"model       {chain.plan['model']}" in told
    assert f"strategy prompt on {BASE}: a system prompt on the base model; no weights were changed" in told
    assert (
        "decision    refused: it failed its verification\n"
        "            + It shows no foreign examples.\n"
        "            - It answers in two ways.\n"
    ) in told
    assert "scorecard" not in told


def test_what_was_put_on_the_base_is_said_by_the_spec_of_any_strategy(chain_db: Database, chain: Chain) -> None:
    chain_db.execute("""UPDATE ljwx.models SET strategy = 'third', spec = spec ||
        '{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]}'""")
    WarehouseHook().save_refusal(chain_db.value("SELECT run_key FROM ljwx.models"), chain.plan["model"], REASONS, {})
    said = f"strategy third on {BASE}: examples in front of the base model; "
    assert said + "no weights were changed" in summarise(chain_db.url)
    chain_db.execute("""UPDATE ljwx.models SET spec = spec || '{"gguf_sha256": "0"}'""")
    assert said + "it has weights of its own" in summarise(chain_db.url)


TRAINING = {
    "parameters": {"trained": 4_884_480, "base": 134_515_008},
    "samples": {"train": 100, "validation": 20},
    "steps": 50,
    "seconds": 251.4,
    "validation": {
        "before": {"answer_loss": 2.0746, "class_log_score": -2.1},
        "after": {"answer_loss": 0.0384, "class_log_score": -1.04},
    },
    "class_rates_log_score": -1.08,
    "proof": {"trained_from_base": 0.913},
}


def test_what_a_training_changed_is_said_in_numbers(chain_db: Database, chain: Chain) -> None:
    chain_db.execute(f"""WITH training AS (
            INSERT INTO ljwx.trainings (recipe_id, recipe, dataset_id, base_gguf, job, run_key, result)
            SELECT 'a recipe', '{{}}', dataset_id, '', '', run_key, '{json.dumps(TRAINING)}' FROM ljwx.datasets LIMIT 1)
        UPDATE ljwx.models SET recipe_id = 'a recipe' WHERE model = '{chain.plan["model"]}'""")
    WarehouseHook().save_refusal(chain_db.value("SELECT run_key FROM ljwx.models"), chain.plan["model"], REASONS, {})
    assert (
        "weights     4,884,480 numbers trained beside 134,515,008 of the base (3.6%),\n"
        "            on 100 samples in 50 steps and 251 s\n"
        "            loss of an answer's tokens on 20 unseen samples: 2.07 before, 0.04 after\n"
        "            log score of the classes: -2.10 before, -1.04 after; class rates alone -1.08\n"
        "            probabilities of classes moved by up to 0.91\n"
    ) in summarise(chain_db.url)


def test_what_the_served_model_has_not_proven_is_said(chain_db: Database, chain: Chain) -> None:
    model = chain.plan["model"]
    assert "champion    none yet" in summarise(chain_db.url)
    add_alias(chain_db, model, promotion_id=add_decision(chain_db, model, "first_champion"))
    told = summarise(chain_db.url)
    assert f"champion    {model}, served as ljwx-stock:latest\n            unproven" in told
    assert "nothing shows yet that it ranks stocks better than chance does" in told
    chain_db.execute("UPDATE ljwx.promotions SET proven = true")
    assert "            proven: on the sessions counted it ranked" in summarise(chain_db.url)
