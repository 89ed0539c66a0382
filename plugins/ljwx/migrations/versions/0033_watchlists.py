"""Watchlists: the stocks that somebody looks at, each belonging to a token or to a user of Airflow.

Everything is new. `forward.watchlist` of the settings stays the operator's, and has nothing to do with them.
"""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

WATCHLISTS = """
CREATE TABLE ljwx.watchlists (
    owner_kind text NOT NULL CHECK (owner_kind IN ('token', 'user')),
    owner      text NOT NULL CHECK (length(owner) BETWEEN 1 AND 250),
    ts_code    text NOT NULL,
    place      integer NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner_kind, owner, ts_code)
);
COMMENT ON TABLE ljwx.watchlists IS 'Stocks that somebody looks at. A list goes when its token is revoked.';
COMMENT ON COLUMN ljwx.watchlists.owner IS 'The name of a token, or the id of a user of Airflow.';
COMMENT ON COLUMN ljwx.watchlists.place IS 'The order in which its owner gave the stocks.';
"""


def upgrade() -> None:
    op.execute(WATCHLISTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
