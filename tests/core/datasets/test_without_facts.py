"""Questions without facts in the training file: how many, where, and that nothing else knows of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ljwx.core.abstention import abstains
from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.exports import alpaca_chunks, dataset_hash, jsonl_lines
from ljwx.core.datasets.spec import SampleSpec, load_spec
from ljwx.core.datasets.without_facts import asked_without_facts, share_of, with_bare_questions
from ljwx.core.prompts import Prompts, load_prompts
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.forms import FORMS
from ljwx.core.training.rows import SCHEMA, bare_lines
from ljwx.exceptions import ConfigurationError
from ljwx.resources import included_below


@pytest.fixture(scope="module")
def second() -> Prompts:
    return load_prompts(included_below("prompts"), "v2", TASKS)


@pytest.fixture(scope="module")
def citing(market: Any) -> Dataset:
    dataset: Dataset = market.build(form=FORMS["cited"], prompt_version="v2")
    return dataset


def rows(dataset: Dataset, prompts: Prompts, share: float) -> Iterator[dict[str, Any]]:
    train = dataset.index.filter(split="train")["sample_id"].to_list()
    asked = asked_without_facts(train, share, 0, prompts)
    for line in jsonl_lines(with_bare_questions(dataset.blocks("train", prompts), asked, prompts), prompts):
        yield json.loads(line)


def is_bare(row: dict[str, Any]) -> bool:
    return str(row["messages"][-1]["content"]).startswith('{"abstain"')


def test_a_small_share_of_the_file_asks_without_facts_and_the_rest_is_as_it_was(
    citing: Dataset, second: Prompts
) -> None:
    plain = [json.loads(line) for line in jsonl_lines(citing.blocks("train", second), second)]
    written = list(rows(citing, second, 0.02))
    bare = [row for row in written if is_bare(row)]
    assert [row for row in written if not is_bare(row)] == plain
    assert len(bare) / len(written) == pytest.approx(0.02, abs=0.001)
    assert len({row["messages"][1]["content"] for row in bare}) > len(bare) / 2


def test_each_names_a_stock_of_the_market_has_no_number_and_abstains(citing: Dataset, second: Prompts) -> None:
    bare = [row["messages"] for row in rows(citing, second, 0.02) if is_bare(row)]
    for system, question, answer in bare:
        (code,) = set(re.findall(r"\d{6}\.SH", question["content"]))
        assert system["content"] == second.system
        assert not re.search(r"\d", question["content"].replace(code, "").replace(f"甲{code[:6]}", ""))
        assert "\n" not in question["content"]
        assert answer["content"].endswith(f'"ljwx ask {code}"}}')
        assert abstains(answer["content"])


def test_the_same_are_drawn_whatever_the_order_and_others_by_another_seed(citing: Dataset, second: Prompts) -> None:
    train = citing.index.filter(split="train")["sample_id"].to_list()
    drawn = asked_without_facts(train, 0.02, 7, second)
    assert asked_without_facts(train[::-1], 0.02, 7, second) == drawn
    assert asked_without_facts(train, 0.02, 8, second) != drawn
    assert len(asked_without_facts(train[:5], 0.02, 7, second)) == 1, "at least one"
    assert asked_without_facts(train, 0.0, 7, second) == asked_without_facts([], 0.02, 7, second) == {}


def test_they_are_in_no_split_no_rate_and_no_hash_but_that_of_their_setting(
    citing: Dataset, second: Prompts, prompts: Prompts
) -> None:
    spec = SampleSpec(prompt_version="v2")
    assert not citing.samples["answer"].str.contains("abstain").any()
    more = SampleSpec(prompt_version="v2", abstention_share=0.1)
    assert dataset_hash(citing.index, more, second) != dataset_hash(citing.index, spec, second)
    assert (share_of(spec, second), share_of(more, second), share_of(SampleSpec(), prompts)) == (0.02, 0.1, 0.0)
    assert "abstention_share" not in SampleSpec().model_dump_json()


def test_a_version_without_such_questions_refuses_a_share(prompts: Prompts) -> None:
    with pytest.raises(ConfigurationError, match=r"samples\.abstention_share: prompt version v1 has no without_facts"):
        share_of(SampleSpec(abstention_share=0.02), prompts)
    assert share_of(SampleSpec(abstention_share=0), prompts) == 0
    with pytest.raises(ConfigurationError, match="abstention_share"):
        load_spec({"abstention_share": 0.5})


def test_the_alpaca_file_has_them_with_an_empty_input(citing: Dataset, second: Prompts) -> None:
    train = citing.index.filter(split="train")["sample_id"].to_list()
    asked = asked_without_facts(train, 0.02, 0, second)
    blocks = with_bare_questions(citing.blocks("train", second), asked, second)
    records = json.loads("".join(alpaca_chunks(blocks, second)))
    assert sum(record["input"] == "" for record in records) == len(asked)
    assert all(record["output"].startswith('{"abstain"') == (record["input"] == "") for record in records)


def test_a_trainer_gets_them_without_a_class(citing: Dataset, second: Prompts) -> None:
    samples = citing.samples.filter(split="train").select(list(SCHEMA))
    lines = [json.loads(line) for line in bare_lines(samples, second, 0.02, 7)]
    assert len(lines) / (len(lines) + len(samples)) == pytest.approx(0.02, abs=0.001)
    assert all(set(line) == {"messages", "weight"} and is_bare(line) for line in lines)
    assert [message["role"] for message in lines[0]["messages"]] == ["system", "user", "assistant"]
    assert list(bare_lines(samples.head(0), second, 0.02, 7)) == []


def test_prompts_in_prose_train_as_before(built: Dataset, prompts: Prompts) -> None:
    samples = built.samples.filter(split="train").select(list(SCHEMA))
    assert list(bare_lines(samples, prompts, prompts.abstention_share, 7)) == []
    assert [row for row in rows(built, prompts, prompts.abstention_share) if is_bare(row)] == []
