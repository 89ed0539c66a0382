"""Make a virtual environment with the pinned pip, also where Debian's and Ubuntu's Python came without ensurepip.

The pip that comes with an older Python takes more than twice the time to find out what to install.
"""

import hashlib
import os
import re
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path
from urllib.parse import urljoin

OLDEST, NEWEST = (3, 10), (3, 13)
PIP_VERSION = "26.2"
PIP_WHEEL = f"pip-{PIP_VERSION}-py3-none-any.whl"
PIP_SHA256 = "931c303696af6fa3417112103b1cad26890e5a07eccb5b99783700e33f2b8aad"


def main(folder: Path) -> None:
    """Make the environment; an unsupported Python is refused in one line."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(f"Python {sys.version.split()[0]} is not supported; use 3.10 to 3.13: make PYTHON=python3.12 …")
    if (folder / "bin" / "pip").exists():
        return
    venv.create(folder, clear=True, symlinks=True, with_pip=False)
    python = str(folder / "bin" / "python")
    if subprocess.run([python, "-m", "ensurepip", "--default-pip"], capture_output=True, check=False).returncode:
        wheel = fetch_pip(folder)
        subprocess.run([python, f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)], check=True)
    else:
        pinned = ["install", "--quiet", "--disable-pip-version-check", f"pip=={PIP_VERSION}"]
        subprocess.run([python, "-m", "pip", *pinned], check=True)


def fetch_pip(folder: Path) -> Path:
    """Fetch the pinned pip from the package index (PIP_INDEX_URL or PyPI) and check its hash."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    with urllib.request.urlopen(index, timeout=60) as page:
        link = re.search(rf'href="([^"]*/{re.escape(PIP_WHEEL)}[^"]*)"', page.read().decode())
    if link is None:
        sys.exit(f"{index} has no {PIP_WHEEL}; install the system's python3-venv package and run this again")
    with urllib.request.urlopen(urljoin(index, link[1].split("#")[0]), timeout=60) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != PIP_SHA256:
        sys.exit(f"{PIP_WHEEL} from {index} has another hash than the pinned one; nothing was installed")
    wheel = folder / PIP_WHEEL
    wheel.write_bytes(data)
    return wheel


if __name__ == "__main__":
    main(Path(sys.argv[1]))
