"""Dataset files: JSONL, Alpaca, dataset_info and card, in a folder that is whole or not there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ljwx.resources import data_folder

if TYPE_CHECKING:
    from ljwx.core.samples import Built, Prompts, SampleSpec


def export_dataset(dataset: Mapping[str, Any], built: Built, spec: SampleSpec, prompts: Prompts) -> Path:
    """Write a dataset's files and return their folder, ``datasets/<dataset_id>`` below the data folder.

    The name carries the hash of the content: a folder that is there already is the same one.
    """
    folder = data_folder() / "datasets" / str(dataset["dataset_id"])
    if folder.exists():
        return folder
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a killed process that had this number, as all have in containers
    partial.mkdir(parents=True)
    try:
        _write_files(partial, dataset, built, spec, prompts)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _write_files(folder: Path, dataset: Mapping[str, Any], built: Built, spec: SampleSpec, prompts: Prompts) -> None:
    import polars as pl

    from ljwx.core.samples import SPLITS, alpaca_chunks, card, card_markdown, dataset_info, jsonl_lines

    for split in SPLITS:
        samples = built.samples.filter(pl.col("split") == split)
        _write(folder / f"{split}.jsonl", jsonl_lines(samples, prompts))
        _write(folder / f"{split}.alpaca.json", alpaca_chunks(samples, prompts))
    _write(folder / "dataset_info.json", [json.dumps(dataset_info(), ensure_ascii=False, indent=2)])
    facts = card(built, spec, prompts, parent=dataset["parent_id"], code_version=dataset["code_version"])
    _write(folder / "card.json", [json.dumps(facts, ensure_ascii=False, indent=2)])
    _write(folder / "README.md", [card_markdown(facts)])


def _write(path: Path, texts: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(texts)
        file.flush()
        os.fsync(file.fileno())
