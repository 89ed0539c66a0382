"""Folders for what does not fit into memory: empty, of one process, and gone afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from ljwx.files import scratch_folder


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LJWX_DATA", str(tmp_path))
    return tmp_path


def test_two_at_work_have_each_their_own_and_nothing_is_left(data: Path) -> None:
    with scratch_folder() as one, scratch_folder() as other:
        assert one != other
        (one / "rows").write_text("mine")
        assert list(other.iterdir()) == []
    assert not any(path.is_file() for path in data.rglob("*"))


def test_what_a_killed_process_left_is_removed_by_the_next(data: Path) -> None:
    left = data / "scratch" / "left"
    left.mkdir(parents=True)
    (left / "rows").write_text("of a killed process")
    with scratch_folder() as mine:
        assert list((data / "scratch").iterdir()) == [mine]


def test_it_is_on_this_machine_where_the_data_are_on_an_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LJWX_DATA", "s3://ljwx_s3@bucket/prefix")
    with scratch_folder() as folder:
        assert folder.is_dir()
