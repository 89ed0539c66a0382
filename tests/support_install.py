"""What is installed here, without this repository's own packages, for tests that install or copy them."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def everything_else(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like site-packages, without the package itself: what is found of it comes from elsewhere."""
    installed = tmp_path_factory.mktemp("site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "ljwx" not in entry.name and entry.suffix != ".pth":
            (installed / entry.name).symlink_to(entry)
    return installed
