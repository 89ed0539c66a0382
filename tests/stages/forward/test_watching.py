"""What follows when the watch rings: told once an incident, marked or rolled back by setting, and never in a loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from psycopg.types.json import Jsonb

from ljwx.core.forward.watch import Check, Watched
from ljwx.core.standing import standing
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.report import build_history
from ljwx.services.watch import Speaker, WatchedLine, WatchedRecord
from ljwx.stages.forward import watching
from ljwx.stages.forward.watching import watch_champion
from support_alerts import Inbox
from support_chain import SMALL, Chain, Database, evaluation_of
from support_ollama import OllamaServer
from support_rows import add_alias, add_decision, add_model
from support_tasks import TaskRunner

# apprise imports the module where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

FIRST = date(2026, 1, 5)
NEWER, LATEST, PREVIOUS = (f"ljwx-stock:{tag}" for tag in ("newer", "latest", "previous"))


def seen(check: Check, rings: bool, began: int | None = 10) -> Watched:
    rang = 12 if rings else None
    return Watched(check, "", 30, 0.05, -0.01, 7.0, 6.2, (12,) if rings else (), began, rang)


@dataclass
class Night:
    """What the record shows tonight: checks and who spoke, by line; the arithmetic has its own tests."""

    lines: dict[str, list[Watched]] = field(default_factory=dict)
    spoke: dict[str, tuple[str | None, ...]] = field(default_factory=dict)
    last: date = FIRST + timedelta(30)

    def __call__(self, warehouse: WarehouseHook, reference: int) -> Night:
        assert reference == 20
        return self

    def line(self, line_id: str, digest: str) -> WatchedLine:
        return WatchedLine(tuple(self.lines.get(line_id, ())), Speaker(self.spoke.get(line_id, ())))

    def session(self, at: int) -> date:
        return FIRST + timedelta(at)

    check = WatchedRecord.check


@dataclass
class Watch:
    """Two champions, one after the other, of different lines; the newer one serves, and speaks for its line."""

    db: Database
    tasks: TaskRunner
    night: Night
    old: str
    old_line: str
    new_line: str

    def set(self, wanted: str) -> None:
        self.tasks.variables["ljwx_training_config"] = {**SMALL, "forward": {"watch": wanted, "watch_reference": 20}}

    def look(self, *rings: Check) -> Any:
        """Look on another night; these checks ring."""
        self.night.lines[self.new_line] = [seen(check, check in rings) for check in ("skill", "coverage")]
        self.night.last += timedelta(1)
        return self.tasks.run(watch_champion)

    def alarms(self) -> list[tuple[str, str | None, date | None]]:
        return [(each.check, each.done, each.ended) for each in WarehouseHook().alarms(is_open=False)]

    def aliases(self) -> dict[str, str]:
        return {each.alias: each.model for each in WarehouseHook().aliases()}


@pytest.fixture
def watch(
    chain_db: Database,
    chain: Chain,
    ollama_sandbox: OllamaServer,
    tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Watch]:
    old, night = chain.plan["model"], Night()
    for name in (NEWER, LATEST):
        assert ollama_sandbox.post("copy", {"source": old, "destination": name}).ok
    old_line = chain_db.value("SELECT line_id FROM ljwx.models")
    made = Jsonb({"line_id": "newer", "proven": True})
    chain_db.execute("INSERT INTO ljwx.lines SELECT (jsonb_populate_record(l, %s)).* FROM ljwx.lines l", made)
    add_model(chain_db, NEWER, line_id="newer", digest="e" * 64)
    digest = OllamaHook().digest(NEWER)
    chain_db.execute("UPDATE ljwx.models SET digest = %s WHERE model = %s", digest, NEWER)
    decision = add_decision(
        chain_db, NEWER, "promoted", champion=old, evaluation_id=evaluation_of(chain_db, chain, NEWER)
    )
    for model, alias in ((NEWER, "champion"), (old, "previous")):
        add_alias(chain_db, model, alias, promotion_id=decision)
    night.spoke["newer"] = (digest,) * 30
    monkeypatch.setattr(watching, "WatchedRecord", night)
    found = Watch(chain_db, tasks, night, old, old_line, "newer")
    found.set("tell")
    yield found
    for name in (NEWER, LATEST, PREVIOUS):
        ollama_sandbox.delete(name)


def test_before_there_is_a_champion_the_task_skips(chain_db: Database, tasks: TaskRunner) -> None:
    with pytest.raises(AirflowSkipException, match="no champion"):
        tasks.run(watch_champion)


def test_what_is_seen_is_kept_each_night_and_again_changes_nothing(watch: Watch) -> None:
    assert watch.look() == {"model": NEWER, "checks": 2, "rings": []}
    watch.night.last -= timedelta(1)
    watch.look()
    kept = watch.db.rows("SELECT check_name, rings, since FROM ljwx.watch_checks ORDER BY check_name")
    assert [(each["check_name"], each["rings"], each["since"]) for each in kept] == [
        ("coverage", False, FIRST + timedelta(10)), ("skill", False, FIRST + timedelta(10)),
    ]  # fmt: skip
    assert watch.alarms() == []


def test_an_incident_is_told_once_and_again_when_it_comes_again(watch: Watch, inbox: Inbox) -> None:
    for rings in (["skill"], ["skill"], ["skill", "coverage"], [], ["skill"]):
        watch.look(*rings)  # type: ignore[arg-type]
    assert inbox.titles() == [f"ljwx · 监测 WATCH · {NEWER}"] * 3
    assert ["skill" in post["message"].split("Check")[1][:10] for post in inbox.posts] == [True, False, True]
    assert "仅通知 · reported: forward.watch is tell" in inbox.posts[0]["message"]
    over = watch.night.last - timedelta(1)
    assert watch.alarms() == [("skill", "reported", over), ("coverage", "reported", over), ("skill", "reported", None)]
    assert watch.aliases()["champion"] == NEWER
    assert WarehouseHook().champion().proven  # type: ignore[union-attr]


def test_what_no_address_took_is_told_the_next_night(watch: Watch, inbox: Inbox) -> None:
    inbox.status = 500
    watch.look("skill")
    inbox.status = 200
    watch.look("skill")
    watch.look("skill")
    assert len(inbox.posts) == 1


def test_marked_the_champion_is_not_proven_until_it_is_over(watch: Watch) -> None:
    watch.set("mark")
    watch.look("skill", "coverage")
    champion = next(each for each in build_history(1).aliases if each.alias == "champion")
    assert champion.proven is False
    assert standing(champion.proven, champion.failing).word == "failing"
    assert champion.failing is not None
    assert "skill of ljwx-stock:newer is -0.01 since about 2026-01-15" in champion.failing
    assert "coverage" not in champion.failing  # a server that is down is no fault of the model
    assert [each[1] for each in watch.alarms()] == ["marked", "reported"]
    watch.look()
    again = WarehouseHook().champion()
    assert again is not None
    assert (again.proven, again.failing) == (True, None)


def test_rolled_back_once_with_the_reason_in_the_decision(watch: Watch, inbox: Inbox) -> None:
    watch.set("roll_back")
    watch.look("skill")
    assert watch.aliases()["champion"] == watch.old
    (row,) = watch.db.rows("SELECT * FROM ljwx.promotions WHERE verdict = 'rolled_back'")
    assert row["reasons"][0]["text"].startswith("the forward watch: skill of ljwx-stock:newer is -0.01")
    (alarm,) = WarehouseHook().alarms()
    assert (alarm.done, alarm.promotion_id) == ("rolled_back", row["promotion_id"])
    assert "已回滚" in inbox.posts[0]["message"]
    watch.look("skill")
    assert watch.alarms() == [("skill", "rolled_back", watch.night.last)]  # its model serves no more
    assert len(inbox.posts) == 1


def test_never_back_to_a_model_that_the_watch_rolled_back(watch: Watch) -> None:
    watch.set("roll_back")
    watch.look("skill")
    watch.night.spoke[watch.old_line] = (OllamaHook().digest(watch.old),) * 30
    watch.night.lines[watch.old_line] = [seen("skill", rings=True)]
    watch.look("skill")
    assert watch.aliases()["champion"] == watch.old
    (alarm,) = WarehouseHook().alarms()
    assert alarm.because == f"not rolled back: {NEWER} was rolled back by the watch before"
    assert alarm.done == "marked"


def test_never_back_to_a_model_that_fails_in_the_record_too(watch: Watch) -> None:
    watch.set("roll_back")
    watch.night.lines[watch.old_line] = [seen("refusals", rings=True)]
    watch.look("skill")
    assert watch.aliases()["champion"] == NEWER
    (alarm,) = WarehouseHook().alarms()
    assert (alarm.done, alarm.because) == (
        "marked", f"not rolled back: {watch.old} fails in the record too: refusals",
    )  # fmt: skip


def test_of_one_line_only_a_model_that_did_not_speak_when_it_began_is_put_back(watch: Watch) -> None:
    watch.set("roll_back")
    watch.db.execute("UPDATE ljwx.models SET line_id = 'newer' WHERE model = %s", watch.old)
    watch.db.execute("UPDATE ljwx.models SET digest = %s WHERE model = %s", "b" * 64, watch.old)
    watch.db.execute("UPDATE ljwx.aliases SET digest = %s WHERE model = %s", "b" * 64, watch.old)
    now = watch.night.spoke["newer"][0]
    watch.night.spoke["newer"] = (*("b" * 64,) * 12, *(now,) * 18)
    watch.look("skill")
    (alarm,) = WarehouseHook().alarms()
    assert alarm.done == "marked"
    assert "spoke for it when this began" in str(alarm.because)


def test_answers_of_a_newer_model_that_does_not_serve_follow_nothing(watch: Watch, inbox: Inbox) -> None:
    watch.set("roll_back")
    watch.night.spoke["newer"] = (*watch.night.spoke["newer"], "f" * 64)
    assert watch.look("skill")["rings"] == []
    assert (watch.alarms(), inbox.posts) == ([], [])
    assert watch.look("skill", "coverage")["rings"] == ["coverage"]  # whoever speaks: answers are missing
    assert watch.alarms() == [("coverage", "reported", None)]


def test_a_mark_does_not_outlive_the_model_it_is_about(watch: Watch) -> None:
    watch.set("mark")
    watch.look("skill")
    watch.db.execute("UPDATE ljwx.models SET line_id = 'newer' WHERE model = %s", watch.old)
    watch.db.execute("UPDATE ljwx.aliases SET model = %s WHERE alias = 'champion'", watch.old)
    champion = WarehouseHook().champion()
    assert champion is not None
    assert champion.failing is None
    watch.look()
    assert watch.alarms() == [("skill", "marked", watch.night.last)]


def test_of_two_checks_of_one_night_the_second_says_that_the_model_was_replaced(watch: Watch) -> None:
    watch.set("roll_back")
    watch.night.lines["newer"] = [seen("skill", rings=True), seen("classes", rings=True)]
    watch.tasks.run(watch_champion)
    first, second = WarehouseHook().alarms()
    assert (first.done, second.done) == ("rolled_back", "reported")
    assert second.because == "the model was replaced on the same night"


def test_what_most_was_said_by_the_model_before_is_told_of_and_no_more(watch: Watch) -> None:
    watch.set("roll_back")
    now = watch.night.spoke["newer"][0]
    watch.night.spoke["newer"] = (*("a" * 64,) * 28, now, now)
    watch.look("skill")
    (alarm,) = WarehouseHook().alarms()
    assert alarm.done == "reported"
    assert watch.aliases()["champion"] == NEWER


def test_a_previous_champion_that_is_lost_leaves_the_champion_marked(
    watch: Watch, ollama_sandbox: OllamaServer
) -> None:
    watch.set("roll_back")
    watch.db.execute("UPDATE ljwx.aliases SET digest = %s WHERE alias = 'previous'", "0" * 64)
    watch.look("skill")
    (alarm,) = WarehouseHook().alarms()
    assert alarm.done == "marked"
    assert str(alarm.because).startswith("not rolled back: ")


def test_broken_off_after_the_decision_the_rollback_is_finished_and_not_done_again(watch: Watch) -> None:
    """The task was killed when the decision was written, and the alarm not yet."""
    watch.set("roll_back")
    watch.look("skill")
    watch.db.execute("UPDATE ljwx.watch_alarms SET done = NULL, because = NULL, promotion_id = NULL")
    watch.look("skill")
    assert watch.aliases()["champion"] == watch.old
    assert [each[1] for each in watch.alarms()] == ["rolled_back"]
    assert watch.db.value("SELECT count(*) FROM ljwx.promotions WHERE verdict = 'rolled_back'") == 1
