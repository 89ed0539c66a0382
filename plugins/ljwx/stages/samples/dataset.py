"""The stage `samples`: one dataset from every complete session, frozen, proved, exported and recorded."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import polars as pl
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import DATASET, LATEST
from ljwx.core.datasets.build import Dataset, made
from ljwx.core.datasets.card import Origin
from ljwx.core.datasets.exports import dataset_hash
from ljwx.core.datasets.market.known import Known
from ljwx.core.datasets.market.sessions import lay
from ljwx.core.datasets.market.shelf import Shelf
from ljwx.core.datasets.merge import Merge, merge
from ljwx.core.datasets.requirements import require_market
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.datasets.without_facts import share_of
from ljwx.core.prompts import Prompts, load_prompts
from ljwx.core.tasks.forms import Form
from ljwx.exceptions import TooFewSessions
from ljwx.files import scratch_folder
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import code_version, included_below
from ljwx.settings import current_settings
from ljwx.stages.context import dag_run, event_of, params
from ljwx.stages.runs import recorded_run
from ljwx.stages.samples.as_of import AsOf, parts_as_of, requested_as_of, sessions_as_of
from ljwx.stages.samples.exports import export_dataset
from ljwx.stages.samples.members import index_lists_as_of
from ljwx.stages.samples.shelf import DiskShelf
from ljwx.warehouse.datasets import NewDataset, StoredDataset, Supersessions

log = logging.getLogger(__name__)


def build_dataset() -> str:
    """Make the dataset of all complete sessions that are there, however many events woke the run.

    The params `known_on` and `until` (dates) ask for the dataset as it was, or would have been, made then.

    :return: dataset_id, ``<last session>-<hash>``.
    :raises ConfigurationError: wrong params, or settings that make no dataset; TooFewSessions when there are too few
        sessions for one.
    :raises AirflowSkipException: there are too few sessions for the first dataset yet, and it was new bars that woke
        the run. Or bars wait for their features, which another run of ljwx_daily_ingest is to compute. Or this very
        dataset is there already, and a model made from it was decided on; until then it is announced again, because
        the run that wrote it may have died before it could. Or it would add fewer samples to the one before than
        `min_new_samples`.
    """

    spec, warehouse = current_settings().samples, WarehouseHook()
    prompts = load_prompts(included_below("prompts"), spec.prompt_version, spec.tasks, spec.groups)
    share_of(spec, prompts)  # refused before anything is built
    as_of = requested_as_of(params(), warehouse)
    woken = dag_run().run_type == "asset_triggered"
    with recorded_run(warehouse, spec_sha256=spec.sha256, **as_of.as_inputs()) as run, scratch_folder() as folder:
        candidate, reason = _decide(warehouse, as_of, spec, prompts, DiskShelf(folder), woken=woken)
        if candidate is not None:
            if reason is None and not candidate.stored:
                _save(warehouse, run.key, candidate)
            run.outputs |= candidate.outputs()
        if reason is not None:
            run.outputs |= {"skipped": reason}
    if candidate is None or reason is not None:
        raise AirflowSkipException(reason)
    events = event_of(DATASET)
    events.extra = {"dataset_id": candidate.dataset_id}
    events.add_partitions(LATEST)
    return candidate.dataset_id


@dataclass(frozen=True)
class _Comparison:
    """The newest dataset before a candidate, and what became of its samples."""

    parent: StoredDataset
    merge: Merge


@dataclass(frozen=True)
class _Candidate:
    """A dataset that was built and not written.

    :param stored: it was written before, and then is not compared with another.
    """

    dataset_id: str
    sha256: str
    dataset: Dataset
    spec: SampleSpec
    prompts: Prompts
    as_of: AsOf
    stored: bool
    comparison: _Comparison | None

    def outputs(self) -> dict[str, Any]:
        """Identifiers and counts, for the run's record."""
        counts = {"merge": self.comparison.merge.as_dict()} if self.comparison else {}
        return {"dataset_id": self.dataset_id, "samples": len(self.dataset.keys), **counts}


def _decide(
    warehouse: WarehouseHook, as_of: AsOf, spec: SampleSpec, prompts: Prompts, shelf: Shelf, *, woken: bool
) -> tuple[_Candidate | None, str | None]:
    """Return the dataset as far as it can be built, and the reason to skip it.

    :param woken: it was new bars that woke the run: they may be too few for a first dataset, and more will come.
    """
    if as_of.stale is not None:
        return None, f"bars from {as_of.stale} on wait for their features; the run that computes them wakes another one"
    try:
        candidate = _candidate(warehouse, as_of, spec, prompts, shelf)
    except TooFewSessions as error:
        if not woken or warehouse.latest_dataset() is not None:
            raise
        return None, f"not yet: {error}"
    return candidate, _reason_to_skip(warehouse, candidate)


def _candidate(warehouse: WarehouseHook, as_of: AsOf, spec: SampleSpec, prompts: Prompts, shelf: Shelf) -> _Candidate:
    dataset = _build(warehouse, as_of, spec, prompts.form, shelf)
    sha256 = dataset_hash(dataset.parts(), spec, prompts)
    dataset_id = f"{dataset.last_session:%Y%m%d}-{sha256[:12]}"
    stored = warehouse.has_dataset(dataset_id)
    parent = None if stored else warehouse.parent_of(dataset_id, dataset.last_session, as_of.at)
    comparison = _Comparison(parent, merge(dataset, warehouse.dataset_keys(parent.dataset_id))) if parent else None
    return _Candidate(dataset_id, sha256, dataset, spec, prompts, as_of, stored, comparison)


def _reason_to_skip(warehouse: WarehouseHook, candidate: _Candidate) -> str | None:
    name, compared, least = candidate.dataset_id, candidate.comparison, candidate.spec.min_new_samples
    if candidate.stored:
        if candidate.as_of.requested:
            return f"dataset {name} is there already: what was known then gives the same one"
        if warehouse.is_dataset_decided(name):
            return f"dataset {name} is there already, and decided on: nothing has changed since"
        return None
    if candidate.as_of.requested or compared is None or compared.merge.changed >= least:
        return None
    if not compared.parent.is_made_as(candidate.spec):
        return None
    return (
        f"{compared.merge.changed} new samples since dataset {compared.parent.dataset_id}: "
        f"fewer than min_new_samples = {least}"
    )


def _build(warehouse: WarehouseHook, as_of: AsOf, spec: SampleSpec, form: Form, shelf: Shelf) -> Dataset:
    sessions = sessions_as_of(warehouse, as_of)
    looked_at = pl.Series("session", [each.session for each in sessions if each.featured], dtype=pl.Date)
    known = Known(
        instruments=warehouse.instruments_as_of(as_of.at),
        # Every trading day, not only the complete ones: a missing day must not bring its neighbours together.
        sessions=warehouse.trading_days(sessions[0].session, sessions[-1].session),
        spec=spec,
        names=warehouse.names_as_of(as_of.at),
        industries=warehouse.industries_as_of(as_of.at),
        members=index_lists_as_of(warehouse, as_of, spec, looked_at),
        codes=warehouse.codes(as_of.at),
    )
    parts = parts_as_of(warehouse, as_of, sessions, spec.groups, known.industries, known.codes)
    laid = lay(parts, known, shelf)
    require_market(laid.rows, spec)
    dataset = made(laid, form)
    for task, reason, count in dataset.exclusions.select("task", "reason", "count").iter_rows():
        log.info("left out of %s: %d (%s)", task, count, reason)
    return dataset


def _save(warehouse: WarehouseHook, run_key: int, candidate: _Candidate) -> None:
    """Write the files under the dataset's own name, then the rows that make them known."""
    dataset, spec, compared = candidate.dataset, candidate.spec, candidate.comparison
    parent, merged = (compared.parent, compared.merge) if compared else (None, None)
    origin = Origin(candidate.as_of.at, parent.dataset_id if parent else None, merged, code_version())
    new = NewDataset(
        dataset_id=candidate.dataset_id,
        sha256=candidate.sha256,
        parent_id=origin.parent_id,
        spec=spec.model_dump(mode="json"),
        counts=dataset.counts(),
        exclusions=dataset.exclusions.to_dicts(),
        proof=dataset.proof.as_dict(),
        merge=merged.as_dict() if merged else {},
        fit=dataset.fit.stored(),
        known_at=origin.known_at,
        first_session=dataset.first_session,
        last_session=dataset.last_session,
        folder=export_dataset(candidate.dataset_id, dataset, spec, candidate.prompts, origin),
        code_version=origin.code_version,
    )
    superseded = Supersessions(compared.merge.superseded, compared.parent.known_at) if compared else None
    warehouse.save_dataset(run_key, new, dataset.blocks(), superseded)
    log.info("dataset %s: %d samples in %s; %s", new.dataset_id, len(dataset.keys), new.folder, new.merge)
