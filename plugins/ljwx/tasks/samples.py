"""The stage `samples`: one dataset from every complete session, frozen, proved, exported and recorded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ljwx.core.samples import Built, Prompts
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings

log = logging.getLogger(__name__)


def build_dataset() -> str:
    """Make the dataset of all complete sessions that are there, however many events woke the run.

    :return: dataset_id, ``<last session>-<hash>``.
    :raises ConfigurationError: no complete session, or too few for three splits.
    :raises AirflowSkipException: this very dataset is there already, and a model made from it was decided on; until
        then it is announced again, because the run that wrote it may have died before it could.
    """
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from ljwx.assets import DATASET, LATEST
    from ljwx.core.samples import dataset_hash, load_prompts
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.resources import include_folder
    from ljwx.settings import current_settings
    from ljwx.tasks.runs import recorded_run

    settings, warehouse = current_settings(), WarehouseHook()
    prompts = load_prompts(include_folder() / "prompts", settings.samples.prompt_version)
    with recorded_run(warehouse, spec_sha256=settings.samples.sha256) as run:
        built = _build(warehouse, settings)
        sha256 = dataset_hash(built.samples, settings.samples, prompts)
        last_session = built.samples["session"].sort().to_list()[-1]
        dataset_id = f"{last_session:%Y%m%d}-{sha256[:12]}"
        run.outputs |= {"dataset_id": dataset_id, "samples": len(built.samples)}
        known = warehouse.has_dataset(dataset_id)
        if not known:
            _save(warehouse, run.key, dataset_id, sha256, built, settings, prompts)
    if known and warehouse.is_dataset_decided(dataset_id):
        raise AirflowSkipException(f"dataset {dataset_id} is there already, and decided on: nothing has changed since")
    events = get_current_context()["outlet_events"][DATASET]
    events.extra = {"dataset_id": dataset_id}
    events.add_partitions(LATEST)
    return dataset_id


def _build(warehouse: WarehouseHook, settings: Settings) -> Built:
    from ljwx.core.features import FEATURE_VERSION, FEATURES
    from ljwx.core.samples import build
    from ljwx.exceptions import ConfigurationError
    from ljwx.resources import sse_calendar

    sessions = warehouse.complete_sessions()
    if not sessions:
        raise ConfigurationError("no complete session in the warehouse yet; run ljwx_daily_ingest first")
    spec = settings.samples
    bars = warehouse.bars(sessions[0], sessions[-1], reach=spec.horizon + spec.exit_roll)
    features = warehouse.features([f.name for f in FEATURES], FEATURE_VERSION, sessions[0], sessions[-1])
    # Every trading day, not only the complete ones: a missing day must not bring its neighbours together.
    days = sse_calendar().between(sessions[0], sessions[-1])
    built = build(bars, features, warehouse.instruments(), days, spec, names=warehouse.names())
    for row in built.exclusions.iter_rows(named=True):
        log.info("left out of %s: %d (%s)", row["task"], row["count"], row["reason"])
    return built


def _save(
    warehouse: WarehouseHook,
    run_key: int,
    dataset_id: str,
    sha256: str,
    built: Built,
    settings: Settings,
    prompts: Prompts,
) -> None:
    """Write the files under the dataset's own name, then the rows that make them known."""
    from ljwx import __version__
    from ljwx.tasks.exports import export_dataset

    parent = warehouse.latest_dataset()
    counts = built.samples.group_by("split", "task", "label").len("samples").sort("split", "task", "label").to_dicts()
    dataset: dict[str, Any] = {
        "dataset_id": dataset_id, "sha256": sha256, "parent_id": parent["dataset_id"] if parent else None,
        "spec": settings.samples.model_dump(mode="json"), "counts": counts,
        "exclusions": built.exclusions.to_dicts(), "proof": built.proof.as_dict(), "code_version": __version__,
        "first_session": built.samples["session"].min(), "last_session": built.samples["session"].max(),
    }  # fmt: skip
    dataset["folder"] = str(export_dataset(dataset, built, settings.samples, prompts))
    warehouse.save_dataset(run_key, dataset, built.samples)
    log.info("dataset %s: %d samples in %s", dataset_id, len(built.samples), dataset["folder"])
