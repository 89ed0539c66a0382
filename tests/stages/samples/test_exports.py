"""Dataset files as a trainer and an auditor meet them: on disk and on S3, whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import requests

from ljwx.core.datasets.balance import balance_svg, shares
from ljwx.core.tasks import TASKS
from ljwx.files import data_root, folder_bytes, remove_folder, save_text, whole_folder, write_texts
from ljwx.stages.samples.dataset import build_dataset
from support_chain import MOMENT, SMALL, Chain, Database, RunScript, content_of
from support_ports import free_port
from support_postgres import data_of
from support_tasks import TaskRunner

SPLITS = ("train", "validation")
"""The third, the sealed test split, is not written."""


def folder_of(chain: Chain) -> Path:
    return chain.data / "datasets" / chain.dataset_id


def card_of(chain: Chain) -> dict[str, Any]:
    return dict(json.loads((folder_of(chain) / "card.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("split", SPLITS)
def test_both_forms_are_read_by_the_library_that_trainers_use(
    chain: Chain, split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    wanted = card_of(chain)["by_split"][split]
    chat, alpaca = (
        load_dataset("json", data_files=str(folder_of(chain) / name), split="train", cache_dir=str(tmp_path))
        for name in (f"{split}.jsonl", f"{split}.alpaca.json")
    )
    assert (len(chat), chat.column_names) == (wanted, ["messages", "weight"])
    assert (len(alpaca), sorted(alpaca.column_names)) == (
        wanted,
        ["input", "instruction", "output", "system", "weight"],
    )
    assert [message["role"] for message in chat[0]["messages"]] == ["system", "user", "assistant"]
    for row, record in zip(chat, alpaca, strict=True):
        system, user, assistant = (message["content"] for message in row["messages"])
        assert system == record["system"]
        assert user == f"{record['instruction']}\n{record['input']}"
        assert assistant == record["output"]
        assert row["weight"] == record["weight"]
        assert json.loads(assistant)["note"] == "不构成投资建议"


def test_the_declaration_for_llama_factory_names_files_that_are_there_and_columns_they_have(chain: Chain) -> None:
    declared = json.loads((folder_of(chain) / "dataset_info.json").read_text(encoding="utf-8"))
    assert set(declared) == {f"ljwx_{split}{form}" for split in SPLITS for form in ("", "_chat")}
    for name, entry in declared.items():
        path = folder_of(chain) / entry["file_name"]
        chat = entry["formatting"] == "sharegpt"
        assert chat is name.endswith("_chat")
        text = path.read_text(encoding="utf-8")
        record = json.loads(text.splitlines()[0]) if chat else json.loads(text)[0]
        assert set(entry["columns"].values()) <= set(record)
        if chat:
            turn = record["messages"][0]
            assert {entry["tags"]["role_tag"], entry["tags"]["content_tag"]} == set(turn)


def test_the_card_counts_every_sample_by_everything_and_names_each_file_with_its_hash(chain: Chain) -> None:
    card = card_of(chain)
    for name in ("by_split", "by_board", "by_industry", "by_month"):
        assert sum(card[name].values()) == card["samples"], name
    assert sum(n for row in card["by_task_and_class"].values() for n in row.values()) == card["samples"]
    files = {file["name"]: file for file in card["files"]}
    there = {path.name for path in folder_of(chain).iterdir()}
    assert set(files) == there - {"card.json", "README.md"}
    for name, told in files.items():
        content = (folder_of(chain) / name).read_bytes()
        assert (told["size"], told["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    page = (folder_of(chain) / "README.md").read_text(encoding="utf-8")
    assert "![Share of each class by month](class_balance.svg)" in page
    assert card["risk_statement"] in page
    assert all(told["sha256"] in page for told in files.values())


def test_the_picture_is_the_same_to_the_byte_and_its_shares_add_up(chain: Chain) -> None:
    days = [f"2026-0{month}-15" for month in (1, 1, 2, 2)]
    samples = pl.DataFrame(
        {"session": days, "task": ["price_direction"] * 4, "label": ["up", "down", "up", "up"]}
    ).with_columns(pl.col("session").str.to_date())
    assert shares(samples, "price_direction").to_dicts() == [
        {"month": "2026-01", "up": 0.5, "flat": 0.0, "down": 0.5},
        {"month": "2026-02", "up": 1.0, "flat": 0.0, "down": 0.0},
    ]
    assert balance_svg(samples) == balance_svg(samples)
    drawn = (folder_of(chain) / "class_balance.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<?xml")
    for task in TASKS:
        assert all(f">{name}</text>" in drawn for name in (task, *TASKS[task].classes))


@dataclass(frozen=True)
class S3:
    """A running S3 server."""

    url: str

    def keys(self) -> list[str]:
        import boto3

        login = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=self.url, **login)
        return [entry["Key"] for entry in client.list_objects_v2(Bucket="ljwx").get("Contents", ())]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """moto's S3 server as a process of its own, with the bucket `ljwx`."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                requests.put(f"{url}/ljwx", timeout=5).raise_for_status()
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                assert server.poll() is None, "the S3 server did not start"
        yield S3(url)
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.fixture
def on_s3(s3: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The data folder is a bucket behind the connection `ljwx_s3`."""
    extra = {"endpoint_url": s3.url, "region_name": "us-east-1"}
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_S3", json.dumps(connection))
    monkeypatch.setenv("LJWX_DATA", "s3://ljwx_s3@ljwx/data")
    return s3


def test_on_s3_the_same_files_are_written_read_and_removed(
    market_db: Database, chain: Chain, tasks: TaskRunner, on_s3: S3
) -> None:
    tasks.variables["ljwx_training_config"] = SMALL
    dataset_id = tasks.run(build_dataset)
    assert dataset_id == chain.dataset_id
    location = market_db.value("SELECT folder FROM ljwx.datasets")
    assert location == f"s3://ljwx_s3@ljwx/data/datasets/{dataset_id}"
    names = {path.name for path in folder_of(chain).iterdir()}
    assert set(on_s3.keys()) == {f"data/datasets/{dataset_id}/{name}" for name in names}
    for name in names:
        written = (data_root() / "datasets" / dataset_id / name).read_bytes()
        assert MOMENT.sub(b"moment", written) == content_of(folder_of(chain))[name], name

    assert folder_bytes(location) == sum(path.stat().st_size for path in folder_of(chain).iterdir())
    path = save_text("specs/x.json", "{}")
    assert path == "s3://ljwx_s3@ljwx/data/specs/x.json"
    remove_folder(location)
    assert on_s3.keys() == ["data/specs/x.json"]


BROKEN_OFF = """
import os, signal
from support_chain import running_tasks
from ljwx.stages.samples import exports
from ljwx.stages.samples.dataset import build_dataset

write = exports.write_texts
def write_or_end(path, texts):
    if path.name == "README.md":
        {ending}
    return write(path, texts)
exports.write_texts = write_or_end
with running_tasks() as (runner, _):
    runner.run(build_dataset)
"""


@pytest.mark.parametrize(
    ("ending", "code"), [("raise OSError('the bucket is gone')", 1), ("os.kill(os.getpid(), signal.SIGKILL)", -9)]
)
def test_an_export_to_s3_that_breaks_off_leaves_no_dataset_and_the_next_run_completes_it(
    market_db: Database, tasks: TaskRunner, on_s3: S3, ending: str, code: int, run_script: RunScript
) -> None:
    before = set(on_s3.keys())
    ended = run_script(BROKEN_OFF.format(ending=ending))
    assert ended.returncode == code, ended.stderr
    left = set(on_s3.keys()) - before
    assert bool(left) == (code == -9)  # an error is cleared up after, a killed process cannot
    assert not any(key.endswith("card.json") for key in left)
    assert market_db.value("SELECT count(*) FROM ljwx.datasets") == 0

    tasks.variables["ljwx_training_config"] = SMALL
    dataset_id = tasks.run(build_dataset)
    folder = data_root() / "datasets" / dataset_id
    there = {key.rpartition("/")[2] for key in set(on_s3.keys()) - before}
    card = json.loads((folder / "card.json").read_text())
    assert there == {file["name"] for file in card["files"]} | {"README.md", "card.json"}
    for file in card["files"]:
        assert hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    remove_folder(market_db.value("SELECT folder FROM ljwx.datasets"))


def test_what_killed_processes_left_behind_is_cleared_after_a_day_and_what_others_write_stays(
    data_folder: Path,
) -> None:
    datasets = data_folder / "datasets"
    old, new, file = datasets / ".x.41.partial", datasets / ".y.42.partial", datasets / ".z.json.43.partial"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "train.jsonl").write_text("{}")
    file.write_text("{")
    two_days_ago = time.time() - 2 * 86_400
    for path in (old, file):
        os.utime(path, (two_days_ago, two_days_ago))
    with whole_folder(data_root() / "datasets" / "z", "card.json") as place:
        write_texts(place / "card.json", ["{}"])
    assert set(data_of(datasets)) == {"z/card.json", ".y.42.partial/train.jsonl"}
    os.utime(new, (two_days_ago, two_days_ago))
    save_text("datasets/w.json", "{}")
    assert set(data_of(datasets)) == {"z/card.json", "w.json"}


def test_two_that_write_one_folder_at_once_leave_it_whole_and_nothing_beside(data_folder: Path) -> None:
    folder = data_root() / "datasets" / "z"
    with whole_folder(folder, "card.json") as first:
        write_texts(first / "train.jsonl", ["{}"])
        with whole_folder(folder, "card.json") as second:
            write_texts(second / "card.json", ["second"])
        write_texts(first / "card.json", ["first"])
    assert data_of(data_folder) == {"datasets/z/card.json": b"second"}


def test_what_is_left_of_a_folder_gives_way_to_the_whole_one(data_folder: Path) -> None:
    """As a removal leaves it that was killed."""
    (data_folder / "datasets" / "z").mkdir(parents=True)
    (data_folder / "datasets" / "z" / "train.jsonl").write_text("{}")
    with whole_folder(data_root() / "datasets" / "z", "card.json") as place:
        write_texts(place / "card.json", ["{}"])
    assert set(data_of(data_folder)) == {"datasets/z/card.json"}


def test_two_that_write_one_file_at_once_leave_it_whole_and_nothing_beside(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []

    def flush(descriptor: int) -> None:
        flushed.append(descriptor)
        if len(flushed) == 1:
            save_text("forward/z.json", "second")

    monkeypatch.setattr("ljwx.files.os.fsync", flush)
    save_text("forward/z.json", "first")
    assert (len(flushed), data_of(data_folder)) == (2, {"forward/z.json": b"first"})


@pytest.mark.parametrize("most", [200_000, 1_500_000], ids=["rows on the way", "files"])
def test_a_disk_that_is_full_leaves_no_dataset(
    market_db: Database, data_folder: Path, run_script: RunScript, most: int
) -> None:
    """The operating system refuses to write on, as it does when a disk or a quota is full."""
    ended = run_script(
        f"""
import resource, signal
from support_chain import running_tasks
from ljwx.stages.samples.dataset import build_dataset
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))
with running_tasks() as (runner, _):
    runner.run(build_dataset)
"""
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("OSError: [Errno 27] File too large")
    assert data_of(data_folder) == {}
    assert market_db.value("SELECT count(*) FROM ljwx.datasets") == 0
    assert market_db.value("SELECT count(*) FROM ljwx.samples") == 0


def test_texts_are_written_a_piece_at_a_time_and_hashed_on_the_way(data_folder: Path) -> None:
    texts = ["一" * 400_000, "", "b" * 700_000, "\n"]
    written = write_texts(data_root() / "x.txt", iter(texts))
    content = "".join(texts).encode()
    assert (data_folder / "x.txt").read_bytes() == content
    assert (written.name, written.size, written.sha256) == ("x.txt", len(content), hashlib.sha256(content).hexdigest())


def test_the_answers_of_the_sealed_split_are_written_only_where_the_settings_ask_for_them(
    market_db: Database, chain: Chain, tasks: TaskRunner, data_folder: Path
) -> None:
    assert not [name for name in data_of(folder_of(chain)) if name.startswith("test")]
    asked = {**SMALL, "samples": {**SMALL["samples"], "export_sealed": True}}
    tasks.variables["ljwx_training_config"] = asked
    assert tasks.run(build_dataset) == chain.dataset_id
    folder = data_folder / "datasets" / chain.dataset_id
    sealed = (folder / "test.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(sealed) == card_of(chain)["by_split"]["test"]
    assert "ljwx_test_chat" in json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
