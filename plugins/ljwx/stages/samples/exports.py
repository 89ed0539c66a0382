"""Dataset files: JSONL, Alpaca, dataset_info, class balance and card, in a folder that is whole or not there."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
from airflow.sdk import ObjectStoragePath

from ljwx.core.datasets.balance import balance_svg
from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.card import Origin, card, card_markdown
from ljwx.core.datasets.exports import alpaca_chunks, dataset_info, jsonl_lines
from ljwx.core.datasets.spec import SPLITS, SampleSpec
from ljwx.core.datasets.splits import SEALED
from ljwx.core.datasets.without_facts import asked_without_facts, share_of, with_bare_questions
from ljwx.core.prompts import Prompts
from ljwx.files import data_root, is_whole, location_of, whole_folder, write_texts

LAST_WRITTEN = "card.json"


def export_dataset(dataset_id: str, dataset: Dataset, spec: SampleSpec, prompts: Prompts, origin: Origin) -> str:
    """Write a dataset's files and return their folder, ``datasets/<dataset_id>`` below the data folder.

    Nothing of the sealed split is among them unless the settings ask for it: its answers are for the gate alone.

    The name carries the hash of the content: a folder that is whole is the same one. Texts are made and written some
    sessions at a time.
    """
    folder = data_root() / "datasets" / dataset_id
    if not is_whole(folder, LAST_WRITTEN):
        with whole_folder(folder, LAST_WRITTEN) as place:
            _write_files(place, dataset, spec, prompts, origin)
    return location_of(folder)


def _write_files(
    folder: ObjectStoragePath, dataset: Dataset, spec: SampleSpec, prompts: Prompts, origin: Origin
) -> None:
    files = []
    splits = tuple(split for split in SPLITS if split != SEALED or spec.export_sealed)
    share = share_of(spec, prompts)
    asked = asked_without_facts(_train_ids(dataset), share, spec.seed, prompts) if share else {}
    for split in splits:
        lines = jsonl_lines(with_bare_questions(dataset.blocks(split, prompts), asked, prompts), prompts)
        files.append(write_texts(folder / f"{split}.jsonl", lines))
        chunks = alpaca_chunks(with_bare_questions(dataset.blocks(split, prompts), asked, prompts), prompts)
        files.append(write_texts(folder / f"{split}.alpaca.json", chunks))
    files.append(write_texts(folder / "dataset_info.json", [_json(dataset_info(splits))]))
    files.append(write_texts(folder / "class_balance.svg", [balance_svg(dataset.keys)]))
    facts = card(dataset, spec, prompts, origin, files)
    write_texts(folder / "README.md", [card_markdown(facts)])
    write_texts(folder / LAST_WRITTEN, [_json(facts)])


def _train_ids(dataset: Dataset) -> list[str]:
    """The ids of all training samples."""
    return [name for part in dataset.parts() for name in part.filter(pl.col("split") == "train")["sample_id"]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
