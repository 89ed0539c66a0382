"""Seal a session of the record, and let its digest leave the house."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Final

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import FORWARD, LATEST
from ljwx.core.forward.chain import Batch, instant
from ljwx.core.forward.timing import closes_at
from ljwx.core.snapshots.snapshot import canonical
from ljwx.exceptions import RecordUnfinished
from ljwx.files import save_text
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.notifications.alerts import send_message
from ljwx.schedule import SHANGHAI
from ljwx.stages.context import event_of
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)

IN_TIME: Final = "模型的预测已在结果出现之前封存 · What models said is sealed, before the outcome"
LATE: Final = "期限过后才封存,不计入成绩 · Sealed after the deadline: it counts nowhere"


def seal_session(session: str, asked: Mapping[str, int] | None) -> str:
    """Seal the batch of a session, and tell its digest: in the data folder, and by the alert channels.

    Sealed already, it is sent where no address took it; taken already, it is announced again.

    :param asked: what :func:`ljwx.stages.forward.asking.ask_session` returned; None: it failed, and may be cleared yet.
    :return: the digest.
    :raises AirflowSkipException: nobody has answered: the session is a gap.
    :raises RecordUnfinished: asking failed, and there is time to ask again.
    """
    warehouse, day = WarehouseHook(), date.fromisoformat(session)
    if asked is None:
        _wait_for_answers(warehouse, day)
    with recorded_run(warehouse, session=session) as run:
        batch = seal_and_tell(warehouse, day)
        run.outputs |= {"digest": batch.digest if batch else None, "answers": batch.answers if batch else 0}
    if batch is None or batch.digest is None:
        raise AirflowSkipException(f"nobody has answered about {session}: it is a gap in the record")
    event = event_of(FORWARD)
    event.extra = {"session": session, "digest": batch.digest}
    event.add_partitions(LATEST)
    return batch.digest


def seal_and_tell(warehouse: WarehouseHook, session: date) -> Batch | None:
    """Seal the batch of a session and tell its digest where that was not done; None where nobody has answered.

    A file that cannot be written, as on a full disk, keeps no digest from leaving the house; it fails afterwards.
    """
    batch = warehouse.seal_batch(session)
    if batch is None or batch.sealed_at is None:
        log.warning("nobody has answered about %s: it is a gap in the record", session)
        return None
    try:
        _write(batch)
    finally:
        if batch.published_at is None:
            _publish(warehouse, batch)
    return batch


def _wait_for_answers(warehouse: WarehouseHook, session: date) -> None:
    batch = warehouse.forward_batch(session)
    if batch is None or batch.digest is not None or warehouse.forward_clock() >= closes_at(batch):
        return
    closes = closes_at(batch).astimezone(SHANGHAI)
    raise RecordUnfinished(
        f"ask_session failed: what came about {session} is sealed at {closes:%Y-%m-%d %H:%M} in Shanghai; until then "
        "clear ask_session to ask the rest"
    )


def _write(batch: Batch) -> None:
    path = save_text(f"forward/{batch.session}.json", canonical(_head(batch)) + "\n")
    late = ", after its deadline: its digest proves nothing of when" if _is_late(batch) else ""
    log.info("%s is sealed with %d answers%s: %s in %s", batch.session, batch.answers, late, batch.digest, path)


def _head(batch: Batch) -> dict[str, str | int | None]:
    return {
        "session": batch.session.isoformat(), "digest": batch.digest, "previous": batch.previous,
        "answers": batch.answers, "deadline": instant(batch.deadline), "sealed_at": _sealed_at(batch),
    }  # fmt: skip


def _is_late(batch: Batch) -> bool:
    return batch.sealed_at is not None and batch.sealed_at >= batch.deadline


def _sealed_at(batch: Batch) -> str | None:
    return instant(batch.sealed_at) if batch.sealed_at else None


def _publish(warehouse: WarehouseHook, batch: Batch) -> None:
    """Send the digest by the alert channels; once one has taken it, not again."""
    lines = [
        LATE if _is_late(batch) else IN_TIME,
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
