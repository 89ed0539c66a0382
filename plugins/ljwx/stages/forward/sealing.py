"""Seal a session of the record, and let its digest leave the house."""

from __future__ import annotations

import logging
from datetime import date

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import FORWARD, LATEST
from ljwx.core.forward.chain import Batch, instant
from ljwx.core.snapshots.snapshot import canonical
from ljwx.files import save_text
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.notifications.alerts import send_message
from ljwx.stages.context import event_of
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)


def seal_session(session: str) -> str:
    """Seal the batch of a session, and tell its digest: in the data folder, and by the alert channels.

    Sealed already, it is sent where no address took it; taken already, it is announced again.

    :return: the digest.
    :raises AirflowSkipException: nobody has answered: the session is a gap.
    """
    warehouse, day = WarehouseHook(), date.fromisoformat(session)
    with recorded_run(warehouse, session=session) as run:
        batch = seal(warehouse, day)
        if batch is not None and batch.published_at is None:
            _publish(warehouse, batch)
        run.outputs |= {"digest": batch.digest if batch else None, "answers": batch.answers if batch else 0}
    if batch is None or batch.digest is None:
        raise AirflowSkipException(f"nobody has answered about {session}: it is a gap in the record")
    event = event_of(FORWARD)
    event.extra = {"session": session, "digest": batch.digest}
    event.add_partitions(LATEST)
    return batch.digest


def seal(warehouse: WarehouseHook, session: date) -> Batch | None:
    """Seal the batch of a session and write its digest below the data folder; None where nobody has answered."""
    batch = warehouse.seal_batch(session)
    if batch is None or batch.sealed_at is None:
        log.warning("nobody has answered about %s: it is a gap in the record", session)
        return None
    path = save_text(f"forward/{session}.json", canonical(_head(batch)) + "\n")
    late = "" if batch.sealed_at < batch.deadline else ", after its deadline: its digest proves nothing of when"
    log.info("%s is sealed with %d answers%s: %s in %s", session, batch.answers, late, batch.digest, path)
    return batch


def _head(batch: Batch) -> dict[str, str | int | None]:
    return {
        "session": batch.session.isoformat(), "digest": batch.digest, "previous": batch.previous,
        "answers": batch.answers, "deadline": instant(batch.deadline), "sealed_at": _sealed_at(batch),
    }  # fmt: skip


def _sealed_at(batch: Batch) -> str | None:
    return instant(batch.sealed_at) if batch.sealed_at else None


def _publish(warehouse: WarehouseHook, batch: Batch) -> None:
    """Send the digest by the alert channels; once one has taken it, not again."""
    lines = [
        "模型的预测已在结果出现之前封存 · What models said is sealed, before the outcome",
        f"交易日 Session: {batch.session}",
        f"回答 Answers: {batch.answers}",
        f"摘要 Digest: {batch.digest}",
        f"前一摘要 Previous: {batch.previous or '-'}",
        f"期限 Deadline: {instant(batch.deadline)}; 封存 sealed: {_sealed_at(batch)}",
        "请保存此消息:ljwx record verify 文件 --head 摘要 · Keep this: ljwx record verify FILE --head DIGEST",
    ]
    if send_message(f"ljwx · 记录 RECORD · {batch.session}", "\n".join(lines)):
        warehouse.note_published(batch.session)
    else:
        log.warning("the digest of %s has not left the house: no address of the alert channels took it", batch.session)
