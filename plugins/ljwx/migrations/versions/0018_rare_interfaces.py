"""Interfaces that answer a few times a day: their answers are kept, and what had to wait is filled in later."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEPT = """
CREATE TABLE ljwx.kept_answers (
    query    text PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT now(),
    answer   text NOT NULL
);
COMMENT ON TABLE ljwx.kept_answers IS 'Pages of reference data (stock_basic, trade_cal, namechange) as they came, taken in the place of asking again until the next 15:00 in Shanghai. Deleting them does no harm: they are asked for anew.';
"""

DEFERRED = """
ALTER TABLE ljwx.ingest_days ADD COLUMN deferred text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN ljwx.ingest_days.deferred IS 'Of absent, what the source does carry, but had no room for when the session was fetched: its limit of an hour or a day was used up. A later scheduled run fetches the session again.';
"""


def upgrade() -> None:
    for statement in (KEPT, DEFERRED):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0018 cannot be undone: 0017 does not tell what is lacking for now from what is refused")
