"""Training examples without facts: beside some training samples a question about their stock, and the abstention.

Pure: never imports airflow, an HTTP client or a database driver. They are lines of the training file and nothing else:
no sample, no label, in no question set, baseline or class rate; and they tell nothing of any session.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping

import polars as pl

from ljwx.core.abstention import abstention
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.prompts import Prompts, facts_of
from ljwx.exceptions import ConfigurationError


def share_of(spec: SampleSpec, prompts: Prompts) -> float:
    """The share of the training file that has no facts: the spec's, else what the version of the prompts declares.

    :raises ConfigurationError: the spec asks for some, and the version has no questions without facts.
    """
    share = prompts.abstention_share if spec.abstention_share is None else spec.abstention_share
    if share and not prompts.without_facts:
        raise ConfigurationError(
            f"samples.abstention_share: prompt version {prompts.version} has no without_facts.txt to ask from; "
            "leave the setting out, or take a version that has one"
        )
    return share


def bare_count(samples: int, share: float) -> int:
    """How many questions without facts stand beside so many training samples, for this share of all; at least one."""
    return max(1, round(share * samples / (1 - share))) if share and samples else 0


def asked_without_facts(sample_ids: Collection[str], share: float, seed: int, prompts: Prompts) -> Mapping[str, int]:
    """Return beside which training samples a question without facts stands, and which question; the same every time.

    :param sample_ids: of all training samples that are taken.
    :param share: of :func:`share_of`.
    :returns: sample_id → position of the question among ``prompts.without_facts``.
    """
    count = bare_count(len(sample_ids), share)
    drawn = sorted(sample_ids, key=lambda sample_id: hashlib.sha256(f"{seed}:bare:{sample_id}".encode()).hexdigest())
    return {sample_id: at % len(prompts.without_facts) for at, sample_id in enumerate(drawn[:count])}


def bare_texts(beside: pl.DataFrame, asked: Mapping[str, int], prompts: Prompts) -> list[tuple[str, str]]:
    """Return the question and the abstention that stand beside each of some samples.

    :param beside: samples that :func:`asked_without_facts` names.
    """
    return [
        (prompts.without_facts[asked[sample_id]].fill(facts_of(snapshot)), abstention(code))
        for sample_id, code, snapshot in beside.select("sample_id", "ts_code", "snapshot").iter_rows()
    ]


def with_bare_questions(
    blocks: Iterable[pl.DataFrame], asked: Mapping[str, int], prompts: Prompts
) -> Iterator[pl.DataFrame]:
    """Add to frames of samples with their texts a row for each question without facts, behind the sample it belongs to.

    :param blocks: SAMPLES frames with ``instruction`` and ``facts``; the rows added have no facts.
    """
    for block in blocks:
        beside = block.filter(pl.col("sample_id").is_in(list(asked)))
        texts = bare_texts(beside, asked, prompts)
        bare = beside.with_columns(
            pl.Series("instruction", [question for question, _ in texts], pl.String),
            pl.Series("answer", [answer for _, answer in texts], pl.String),
            facts=pl.lit(""),
            sample_id=pl.col("sample_id") + "-",  # behind its sample in the order of the file
        )
        yield pl.concat([block, bare]) if texts else block
