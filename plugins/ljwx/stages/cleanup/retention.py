"""The stage `retention`: plan what may go, then remove it, each with its tombstone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from ljwx.core.model_names import normalised_name
from ljwx.core.ollama import InstalledModel
from ljwx.core.reclaimed import Tag, reclaimed
from ljwx.core.retention import Removal, RetentionPolicy, Sweep, sweeps
from ljwx.exceptions import ModelMissing, OllamaError
from ljwx.files import folder_bytes, remove_folder
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.launchers.following import is_trained_in
from ljwx.settings import current_settings
from ljwx.stages.context import dag_run, params, today
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)


def apply_retention() -> dict[str, int | bool]:
    """Remove what the policy does not protect; in a dry run only say what would go.

    :return: dry_run, removed and kept (counts), swept (rows) and bytes that were, or would be, reclaimed.
    """

    chosen, day = params()["dry_run"], today()
    dry_run = bool(chosen) if chosen is not None else dag_run().run_type != "scheduled"
    settings = current_settings()
    warehouse, policy = WarehouseHook(), settings.retention

    def is_running(job: str) -> bool:
        return is_trained_in(job, settings.training)

    with recorded_run(warehouse, dry_run=dry_run, today=day.isoformat()) as run:
        found = warehouse.retention_plan(policy, day, is_running)
        for kept in found.kept:
            log.info("keep %s %s: %s", kept.kind, kept.name, "; ".join(kept.reasons))
        cleaner = Cleaner(warehouse, OllamaHook(), run.key, policy, day, dry_run, is_running)
        removed = sum(cleaner.remove(removal) for removal in found.removals)
        swept = sum(cleaner.sweep(sweep) for sweep in sweeps(policy, day))
        counts = {"removed": removed, "kept": len(found.kept), "swept": swept, "bytes": cleaner.reclaimed}
        run.outputs |= counts
    return {"dry_run": dry_run, **counts}


@dataclass
class Cleaner:
    """Removes one thing after the other, or in a dry run says what would go.

    :param today: Shanghai day of the run.
    :param is_running: tells of a job folder whether it is trained in now.
    :param reclaimed: bytes so far.
    :param gone: models that were removed, or in a dry run would be gone by now.
    """

    warehouse: WarehouseHook
    ollama: OllamaHook
    run_key: int
    policy: RetentionPolicy
    today: date
    dry_run: bool
    is_running: Callable[[str], bool] = lambda _: False
    reclaimed: int = 0
    gone: set[str] = field(default_factory=set)
    _tags: dict[str, Tag | None] = field(default_factory=dict)

    def remove(self, removal: Removal) -> bool:
        """Remove a model, a dataset or a training; False when it is protected by now."""
        size = self._size(removal)
        self._say(removal.kind, removal.name, removal.reason, size)
        if self.dry_run:
            self.warehouse.save_would_remove(self.run_key, removal.kind, removal.name, removal.reason, size)
        elif not self._removed(removal, size):
            log.info("keep %s %s after all: it is protected by now", removal.kind, removal.name)
            return False
        self.gone.add(removal.name)
        self.reclaimed += size or 0
        return True

    def sweep(self, sweep: Sweep) -> int:
        """Remove rows by age; return how many."""
        found = self.warehouse.sweep(self.run_key, sweep, self.dry_run)
        for part in found:
            self._say(sweep.kind, part.name, f"{part.rows} rows: {sweep.reason}", part.bytes)
            self.reclaimed += part.bytes
        return sum(part.rows for part in found)

    def _say(self, kind: str, name: str, reason: str, size: int | None) -> None:
        verb = "would remove" if self.dry_run else "remove"
        log.info("%s %s %s (%s bytes): %s", verb, kind, name, "unknown" if size is None else size, reason)

    def _removed(self, removal: Removal, size: int | None) -> bool:
        with self.warehouse.removal(self.run_key, removal, size, self.policy, self.today, self.is_running) as free:
            if free:
                self._delete(removal)
            return free

    def _size(self, removal: Removal) -> int | None:
        """Return the bytes that removing it gives back.

        None when that is not known: the model is not on the server any more, or the server cannot tell what another
        tag is made of, so that the two might share.
        """

        if removal.kind != "model":
            return folder_bytes(self._folder(removal))
        gone, name = set(map(normalised_name, self.gone)), normalised_name(removal.name)
        listed = {normalised_name(model.name): model for model in self.ollama.list()}
        listed = {tag: model for tag, model in listed.items() if tag not in gone}
        if name not in listed:
            return None
        tags = {each: self._tag(model) for each, model in listed.items()}
        known = {each: tag for each, tag in tags.items() if tag is not None}
        return reclaimed(name, known) if len(known) == len(tags) else None

    def _folder(self, removal: Removal) -> str:
        if removal.kind == "dataset":
            return self.warehouse.dataset_folder(removal.name)
        return self.warehouse.training_folder(removal.name)

    def _tag(self, model: InstalledModel) -> Tag | None:
        """Return what a tag is made of, asked once for each digest; None when the server fails at it."""

        if model.digest not in self._tags:
            try:
                found = self.ollama.show(model.name)
            except OllamaError as error:
                log.warning("%s cannot be looked at: %s", model.name, error)
                self._tags[model.digest] = None
            else:
                texts = {found.template, found.system, "\n".join(text for _, text in found.messages)}
                self._tags[model.digest] = Tag(model.digest, model.size, found.weights, frozenset(texts - {""}))
        return self._tags[model.digest]

    def _delete(self, removal: Removal) -> None:

        if removal.kind != "model":
            remove_folder(self._folder(removal))
            return
        try:
            self.ollama.delete(removal.name)
        except ModelMissing:
            log.warning("%s was not on the server any more", removal.name)
