"""The samples that a training takes from the warehouse: the same for the same recipe, whoever asks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date

import polars as pl

from ljwx.core.models import BuildSpec
from ljwx.core.training.recipe import Start
from ljwx.core.training.rows import check_splits, chosen, chosen_together, digest_of
from ljwx.core.training.settings import LoraSettings
from ljwx.core.training.watched import parted
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.trainings import Training

log = logging.getLogger(__name__)

SHAPE = ("rank", "alpha", "layers")
"""Hyperparameters in which an adapter that is gone on with has to be alike."""


@dataclass(frozen=True)
class Splits:
    """Samples to train on and to look at, in the order of the files; the dataset's validation split is in none of them.

    :param train: of the train split but for its last sessions.
    :param validation: of the last sessions of the train split; training is stopped by them.
    :param replayed: of the train split of an earlier dataset, seen again.
    :param learned: all of the train split but for its last sessions; `train` is as many of it as the settings say.
    """

    train: pl.DataFrame
    validation: pl.DataFrame
    replayed: pl.DataFrame
    learned: pl.DataFrame

    @property
    def seen(self) -> pl.DataFrame:
        """All that is trained on."""
        return pl.concat([self.train, self.replayed])


def splits_of(
    warehouse: WarehouseHook,
    dataset_id: str,
    settings: LoraSettings,
    seed: int,
    before: Training | None,
    *,
    together: bool = False,
) -> Splits:
    """Choose what is trained on.

    :param before: the training that is gone on with.
    :param together: what is asked about one stock and session begins alike, and is chosen as one.
    :raises ConfigurationError: nothing can be learned from it.
    """
    whole = warehouse.training_samples(dataset_id, "train")
    learned, watched = parted(dataset_id, whole, warehouse.purge_of(dataset_id))
    check_splits(dataset_id, {"train": learned, "validation": warehouse.training_samples(dataset_id, "validation")})
    choose = chosen_together if together else chosen
    train = choose(learned, settings.max_samples, seed)
    validation = choose(watched, settings.max_validation, seed)
    most = round(settings.replay_share * len(train)) if before else 0
    return Splits(train, validation, _replayed(warehouse, learned, watched, most, seed, before), learned)


def _replayed(
    warehouse: WarehouseHook, new: pl.DataFrame, watched: pl.DataFrame, most: int, seed: int, before: Training | None
) -> pl.DataFrame:
    """Return old samples: none that is new too, none from behind the new ones, none that reaches what is looked at."""
    if before is None or not most:
        return new.head(0)
    old = warehouse.training_samples(before.dataset_id, "train")
    fit = old.filter(pl.col("session") <= new["session"].max(), pl.col("label_end") < watched["session"].min())
    return chosen(fit.join(new, on="sample_id", how="anti"), most, seed)


def training_before(
    warehouse: WarehouseHook, dataset_id: str, settings: LoraSettings, base_gguf: str
) -> Training | None:
    """Return the champion's training where it is to be gone on with and can be; None: train from the base."""
    if settings.start == "base":
        return None
    found, why_not = _of_champion(warehouse, settings, base_gguf)
    if found is not None and why_not is None:
        sessions: list[date] = warehouse.training_samples(dataset_id, "validation")["session"].to_list()
        counts_from = warehouse.counts_from([found.model])
        if counts_from is None or min(sessions, default=counts_from) < counts_from:
            why_not = "it was trained on sessions that are for validation now"
    if why_not is not None:
        log.info("model.lora.start is champion, and training starts from the base: %s", why_not)
        return None
    return found.training if found else None


@dataclass(frozen=True)
class _Champion:
    model: str
    training: Training


def _of_champion(
    warehouse: WarehouseHook, settings: LoraSettings, base_gguf: str
) -> tuple[_Champion | None, str | None]:
    champion = warehouse.champion()
    known = warehouse.model(champion.model) if champion else None
    recipe = BuildSpec.model_validate(known.spec).training if known else None
    training = warehouse.training(recipe.recipe_id) if recipe else None
    if known is None or recipe is None or training is None or training.adapter_sha256 is None:
        return None, "there is no champion with an adapter"
    if recipe.base_gguf != base_gguf:
        return None, f"the champion {known.model} has another base"
    mine = settings.hyperparameters
    other = [name for name in SHAPE if recipe.hyperparameters.get(name) != mine[name]]
    if other:
        return None, f"the champion's adapter has another {', '.join(other)}"
    return _Champion(known.model, training), None


def start_of(before: Training | None, splits: Splits) -> Start | None:
    """Return what of an earlier training enters the recipe."""
    if before is None or before.adapter_sha256 is None:
        return None
    return Start(recipe_id=before.recipe_id, adapter_sha256=before.adapter_sha256, replayed=digest_of(splits.replayed))
