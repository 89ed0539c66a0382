"""The forward record is sealed once, and its digest leaves the house whatever goes wrong."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest

from ljwx.assets import FORWARD, LATEST
from ljwx.exceptions import RecordUnfinished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.forward.asking import ask_session
from ljwx.stages.forward.opening import open_session
from ljwx.stages.forward.sealing import seal_session
from support_alerts import Inbox
from support_chain import LAST, Chain, Database
from support_forward import at, stop_clock
from support_night import (
    NOTHING_LEFT,
    SESSION,
    answered,
    by_answerer,
    skipped,
)
from support_tasks import TaskRunner

# apprise imports the module where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_a_digest_is_written_sent_and_announced_once(record: TaskRunner, chain: Chain, inbox: Inbox) -> None:
    session = record.run(open_session)
    record.run(ask_session, session)
    digest = record.run(seal_session, session, NOTHING_LEFT)
    told = json.loads((chain.data / "forward" / f"{LAST}.json").read_text(encoding="utf-8"))
    assert (told["digest"], told["answers"], told["previous"]) == (digest, 45, None)
    assert record.run(seal_session, session, NOTHING_LEFT, again=True) == digest
    (post,) = inbox.posts
    assert digest in post["message"]
    event = record.outlets[FORWARD]
    assert (event.extra, set(event.partitions)) == ({"session": LAST, "digest": digest}, {LATEST})
    assert f"the batch of {LAST} is sealed already" in skipped(record)
    assert record.run(ask_session, session) == {"questions": 0, "answers": 0}


def test_a_digest_that_no_address_took_is_sent_by_the_next_try(
    record: TaskRunner, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    session = record.run(open_session)
    record.run(ask_session, session)
    inbox.status = 500
    with caplog.at_level(logging.WARNING):
        record.run(seal_session, session, NOTHING_LEFT)
    assert [text for text in caplog.messages if "has not left the house" in text]
    inbox.status = 200
    record.run(seal_session, session, NOTHING_LEFT, again=True)
    assert inbox.titles() == [f"ljwx · 记录 RECORD · {LAST}"]


FULL = """
CREATE FUNCTION ljwx.full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER filled AFTER UPDATE ON ljwx.forward_batches DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION ljwx.full();
"""


def test_a_full_disk_of_the_database_at_the_seal_loses_no_answer_and_tells_no_digest(
    record: TaskRunner, chain_db: Database, inbox: Inbox
) -> None:
    session = record.run(open_session)
    record.run(ask_session, session)
    chain_db.execute(FULL)
    with pytest.raises(psycopg.errors.DiskFull, match="No space left on device"):
        record.run(seal_session, session, NOTHING_LEFT)
    assert (WarehouseHook().forward_batches()[0].digest, inbox.posts) == (None, [])
    chain_db.execute("DROP TRIGGER filled ON ljwx.forward_batches")
    digest = record.run(seal_session, session, NOTHING_LEFT, again=True)
    assert (WarehouseHook().forward_batches()[0].answers, digest in inbox.posts[0]["message"]) == (45, True)


def test_a_full_data_folder_keeps_no_digest_from_leaving_and_its_file_is_written_by_the_next_try(
    record: TaskRunner, chain: Chain, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = record.run(open_session)
    record.run(ask_session, session)
    path = chain.data / "forward" / f"{LAST}.json"
    path.unlink(missing_ok=True)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr("ljwx.stages.forward.sealing.save_text", full)
        with pytest.raises(OSError, match="No space left on device"):
            record.run(seal_session, session, NOTHING_LEFT)
    assert not path.exists()
    (post,) = inbox.posts
    digest = record.run(seal_session, session, NOTHING_LEFT, again=True)
    assert json.loads(path.read_text(encoding="utf-8"))["digest"] == digest
    assert (digest in post["message"], len(inbox.posts)) == (True, 1)


def test_two_runs_of_one_session_at_once_ask_and_seal_it_once(
    record: TaskRunner, chain_db: Database, inbox: Inbox
) -> None:
    def at_once(task: Callable[..., Any], *given: Any) -> list[Any]:
        both = Barrier(2)

        def one(_: int) -> Any:
            both.wait(timeout=30)
            return task(*given)

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(one, range(2)))

    (session, other) = record.run(at_once, open_session)
    assert session == other
    came = record.run(at_once, ask_session, session)
    assert [each["questions"] for each in came] == [9, 9]
    assert sum(each["answers"] for each in came) == 18
    assert set(by_answerer().values()) == {9}
    first, second = record.run(at_once, seal_session, session, NOTHING_LEFT)
    assert first == second
    (batch,) = WarehouseHook().forward_batches()
    assert (batch.digest, batch.answers) == (first, 45)


def test_when_asking_failed_what_came_is_sealed_shortly_before_the_deadline(
    record: TaskRunner, chain_db: Database, inbox: Inbox
) -> None:
    session = record.run(open_session)
    record.run(ask_session, session)
    with pytest.raises(RecordUnfinished, match=r"is sealed at 2026-03-21 06:00 in Shanghai; until then clear ask_sess"):
        record.run(seal_session, session, None)
    assert WarehouseHook().forward_batches()[0].sealed_at is None
    stop_clock(chain_db.url, at(SESSION, 6, days=1))
    digest = record.run(seal_session, session, None, again=True)
    assert digest in inbox.posts[0]["message"]


def test_a_batch_that_was_left_open_is_sealed_and_told_by_the_next_run(
    record: TaskRunner, chain_db: Database, inbox: Inbox
) -> None:
    answered(record)
    stop_clock(chain_db.url, at(SESSION, 18, days=3))
    skipped(record)
    (batch,) = WarehouseHook().forward_batches()
    assert batch.sealed_at == batch.published_at == at(SESSION, 18, days=3)
    (post,) = inbox.posts
    assert str(batch.digest) in post["message"]
    assert "Sealed after the deadline: it counts nowhere" in post["message"]
