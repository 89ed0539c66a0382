"""Folders for what does not fit into memory: empty, of one process, and gone afterwards."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ljwx.files import scratch_folder
from ljwx.stages.samples.shelf import DiskShelf


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LJWX_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's temporary folder, read anew."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def left_in(folder: Path, name: str = "ljwx-scratch-left") -> Path:
    left = folder / name
    left.mkdir()
    (left / "rows").write_text("of a killed process")
    return left


def test_two_at_work_have_each_their_own_and_nothing_is_left(data: Path, temporary: Path) -> None:
    with scratch_folder() as one, scratch_folder() as other:
        assert one != other
        (one / "rows").write_text("mine")
        assert list(other.iterdir()) == []
        assert {one.parent, other.parent} == {temporary}
    assert list(temporary.iterdir()) == []
    assert not data.exists(), "other machines reach it, and their locks do not hold here"


def test_what_a_killed_process_left_is_removed_by_the_next_and_nothing_else(temporary: Path) -> None:
    left_in(temporary)
    other = left_in(temporary, "of-another-program")
    (temporary / "ljwx-scratch-link").symlink_to(other)
    with scratch_folder() as mine:
        assert {path.name for path in temporary.iterdir()} == {mine.name, other.name, "ljwx-scratch-link"}
        assert list(other.iterdir()) == [other / "rows"]


def test_what_another_user_left_is_not_touched(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, mine = left_in(temporary), os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine if any(temporary.glob("ljwx-scratch-[!l]*")) else mine + 1)
    with scratch_folder():
        assert list(left.iterdir()) == [left / "rows"]


@pytest.mark.parametrize("at", ["that is left", "that is new"])
def test_a_folder_that_another_process_removes_before_it_is_locked_stops_nobody(
    at: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, removed, opened = left_in(temporary), list[Path](), os.open

    def late(path: Any, *rest: Any, **more: Any) -> int:
        meant = Path(path) == left if at == "that is left" else left not in (Path(path), Path(path).parent)
        if meant and Path(path).is_dir() and not removed:
            removed.append(Path(path))
            shutil.rmtree(path)
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", late)
    with scratch_folder() as mine:
        (mine / "rows").write_text("mine")
        assert mine not in removed
    assert (len(removed), list(temporary.iterdir())) == (1, [])


def test_a_new_folder_that_another_process_removes_as_one_that_was_left_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, lock = list[Path](), fcntl.flock

    def late(descriptor: int, how: int) -> None:
        if not removed:
            removed.extend(temporary.iterdir())
            shutil.rmtree(removed[0])
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with scratch_folder() as mine:
        (mine / "rows").write_text("mine")
        assert mine not in removed
    assert (len(removed), list(temporary.iterdir())) == (1, [])


def test_it_is_on_this_machine_where_the_data_are_on_an_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LJWX_DATA", "s3://ljwx_s3@bucket/prefix")
    with scratch_folder() as folder:
        assert folder.is_dir()


def test_a_full_disk_is_one_line_with_the_file_and_how_another_disk_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        OSError, match=r"^\[Errno 28\] No space left on device \(TMPDIR names .*\): '.*rows\.0\.arrow'$"
    ):
        DiskShelf(tmp_path).put("rows", pl.DataFrame({"a": [1]}))
