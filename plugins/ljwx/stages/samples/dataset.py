"""The stage `samples`: one dataset from every complete session, frozen, proved, exported and recorded."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import DATASET, LATEST
from ljwx.core.datasets.build import Dataset, build
from ljwx.core.datasets.exports import dataset_hash
from ljwx.core.datasets.merge import Merge, merge
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.prompts import Prompts, load_prompts
from ljwx.exceptions import TooFewSessions
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import code_version, included_below
from ljwx.settings import current_settings
from ljwx.stages.runs import recorded_run
from ljwx.stages.samples.as_of import AsOf, market_as_of, requested_as_of
from ljwx.stages.samples.exports import export_dataset
from ljwx.stages.samples.members import index_lists_as_of

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

    context = get_current_context()
    spec, warehouse = current_settings().samples, WarehouseHook()
    prompts = load_prompts(included_below("prompts"), spec.prompt_version, spec.tasks)
    known = requested_as_of(context, warehouse)
    woken = context["dag_run"].run_type == "asset_triggered"
    with recorded_run(warehouse, spec_sha256=spec.sha256, **known.as_inputs()) as run:
        candidate, reason = _decide(warehouse, known, spec, prompts, woken=woken)
        if candidate is not None:
            if reason is None and not candidate.there:
                _save(warehouse, run.key, candidate)
            run.outputs |= candidate.outputs()
        if reason is not None:
            run.outputs["skipped"] = reason
    if candidate is None or reason is not None:
        raise AirflowSkipException(reason)
    events = context["outlet_events"][DATASET]
    events.extra = {"dataset_id": candidate.dataset_id}
    events.add_partitions(LATEST)
    return candidate.dataset_id


@dataclass(frozen=True)
class _Candidate:
    """A dataset that was built and not written.

    :param there: it was written before.
    :param parent: dataset_id, spec and known_at of the newest dataset before it.
    """

    dataset_id: str
    sha256: str
    built: Dataset
    spec: SampleSpec
    prompts: Prompts
    known: AsOf
    there: bool
    parent: dict[str, Any] | None
    merge: Merge | None

    def outputs(self) -> dict[str, Any]:
        """Identifiers and counts, for the run's record."""
        counts = {"merge": self.merge.as_dict()} if self.merge else {}
        return {"dataset_id": self.dataset_id, "samples": len(self.built.index), **counts}


def _decide(
    warehouse: WarehouseHook, known: AsOf, spec: SampleSpec, prompts: Prompts, *, woken: bool
) -> tuple[_Candidate | None, str | None]:
    """Return the dataset as far as it can be built, and the reason to skip it.

    :param woken: it was new bars that woke the run: they may be too few for a first dataset, and more will come.
    """

    if known.stale is not None:
        return None, f"bars from {known.stale} on wait for their features; the run that computes them wakes another one"
    try:
        candidate = _candidate(warehouse, known, spec, prompts)
    except TooFewSessions as error:
        if not woken or warehouse.latest_dataset() is not None:
            raise
        return None, f"not yet: {error}"
    return candidate, _reason_to_skip(warehouse, candidate)


def _candidate(warehouse: WarehouseHook, known: AsOf, spec: SampleSpec, prompts: Prompts) -> _Candidate:

    built = _build(warehouse, known, spec)
    sha256 = dataset_hash(built.index, spec, prompts)
    last: date = built.index["session"].to_list()[-1]
    dataset_id = f"{last:%Y%m%d}-{sha256[:12]}"
    there = warehouse.has_dataset(dataset_id)
    parent = None if there else warehouse.parent_of(dataset_id, last, known.at)
    merged = merge(built, warehouse.dataset_keys(parent["dataset_id"])) if parent else None
    return _Candidate(dataset_id, sha256, built, spec, prompts, known, there, parent, merged)


def _reason_to_skip(warehouse: WarehouseHook, candidate: _Candidate) -> str | None:
    name = candidate.dataset_id
    if candidate.there:
        if candidate.known.asked:
            return f"dataset {name} is there already: what was known then gives the same one"
        if warehouse.is_dataset_decided(name):
            return f"dataset {name} is there already, and decided on: nothing has changed since"
        return None
    parent, merged, least = candidate.parent, candidate.merge, candidate.spec.min_new_samples
    if candidate.known.asked or parent is None or merged is None or merged.changed >= least:
        return None
    if parent["spec"] != candidate.spec.model_dump(mode="json"):
        return None
    return f"{merged.changed} new samples since dataset {parent['dataset_id']}: fewer than min_new_samples = {least}"


def _build(warehouse: WarehouseHook, known: AsOf, spec: SampleSpec) -> Dataset:

    bars, features = market_as_of(warehouse, known, spec.horizon + spec.exit_roll)
    sessions = bars["session"].unique().sort()
    members = index_lists_as_of(warehouse, known, spec, sessions)
    # Every trading day, not only the complete ones: a missing day must not bring its neighbours together.
    days = warehouse.trading_days(sessions[0], sessions[-1])
    instruments, names = warehouse.instruments_as_of(known.at), warehouse.names_as_of(known.at)
    industries = warehouse.industries_as_of(known.at)
    built = build(bars, features, instruments, days, spec, names=names, industries=industries, members=members)
    for row in built.exclusions.iter_rows(named=True):
        log.info("left out of %s: %d (%s)", row["task"], row["count"], row["reason"])
    return built


def _save(warehouse: WarehouseHook, run_key: int, candidate: _Candidate) -> None:
    """Write the files under the dataset's own name, then the rows that make them known."""

    built, parent, merged = candidate.built, candidate.parent, candidate.merge
    index = built.index
    counts = index.group_by("split", "task", "label").len("samples").sort("split", "task", "label").to_dicts()
    dataset: dict[str, Any] = {
        "dataset_id": candidate.dataset_id, "sha256": candidate.sha256, "known_at": candidate.known.at,
        "parent_id": parent["dataset_id"] if parent else None, "merge": merged.as_dict() if merged else {},
        "spec": candidate.spec.model_dump(mode="json"), "counts": counts,
        "exclusions": built.exclusions.to_dicts(), "proof": built.proof.as_dict(), "code_version": code_version(),
        "first_session": index["session"].min(), "last_session": index["session"].max(),
    }  # fmt: skip
    dataset["folder"] = export_dataset(dataset, built, candidate.spec, candidate.prompts)
    superseded = merged.superseded if merged else None
    known_at: datetime | None = parent["known_at"] if parent else None
    warehouse.save_dataset(run_key, dataset, built.blocks(), superseded, known_at)
    log.info("dataset %s: %d samples in %s; %s", candidate.dataset_id, len(index), dataset["folder"], dataset["merge"])
