"""What is installed here, without this repository's own packages, for tests that install or copy them."""

from __future__ import annotations

import sysconfig
from pathlib import Path


def everything_else_installed(folder: Path) -> Path:
    """Make a folder like site-packages, without the package itself: what is found of it comes from elsewhere."""
    installed = folder / "site-packages"
    installed.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "ljwx" not in entry.name and entry.suffix != ".pth":
            (installed / entry.name).symlink_to(entry)
    return installed
