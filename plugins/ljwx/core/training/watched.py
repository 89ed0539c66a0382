"""Which samples of the train split training looks at to know when to stop, instead of learning from them.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.exceptions import ConfigurationError

PART: Final = 10
"""One session in so many of the train split is looked at: the last ones."""


def parted(dataset_id: str, train: pl.DataFrame, purge: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the samples to learn from and, of the last sessions, those to look at, purged between as splits are.

    The validation split stays out of it: the gate judges the model there.

    :param train: the train split, with session and label_end.
    :param purge: sessions left empty between both.
    :raises ConfigurationError: the train split is too short for both.
    """
    sessions = train["session"].unique().sort().to_list()
    first = len(sessions) - -(-len(sessions) // PART)
    if sessions and first <= purge:
        raise ConfigurationError(
            f"dataset {dataset_id}: its train split has {len(sessions)} sessions, too few for `lora`, which looks at "
            f"the last {len(sessions) - first} to know when to stop and leaves {purge} before them empty: wait for "
            "sessions, or ingest more"
        )
    if not sessions:
        return train, train
    learned = (pl.col("session") < sessions[first - purge]) & (pl.col("label_end") < sessions[first])
    return train.filter(learned), train.filter(pl.col("session") >= sessions[first])
