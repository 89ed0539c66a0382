"""Apply the migrations: ``python -m ljwx.migrations postgresql+psycopg://user:password@host/database``."""

from __future__ import annotations

import os
import sys

from ljwx.migrations import Refused, upgrade

if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("LJWX_DATABASE_URL")
    if not url:
        sys.exit("which database? pass its URL, or set LJWX_DATABASE_URL (postgresql+psycopg://user:password@host/db)")
    try:
        upgrade(url)
    except Refused as error:
        sys.exit(str(error))
