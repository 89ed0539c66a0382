"""Bars of a source that knows no amounts: null there, never made up."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SOURCES = """
ALTER TABLE ljwx.bars ALTER COLUMN amount DROP NOT NULL;
COMMENT ON COLUMN ljwx.bars.amount IS 'Thousand CNY; null where the source has no amounts (the day then says so in absent).';
COMMENT ON COLUMN ljwx.ingest_days.absent IS 'What the source did not carry when the session was fetched. Interfaces: adj_factor (factors are null and chained when bars are read), stk_limit, suspend_d, namechange, stock_basic (expected counts the stocks of the session before), trade_cal (the session is one of the shipped calendar). Of daily: amount, and pre_close (derived from the close before and announced ex-rights).';
"""


def upgrade() -> None:
    op.execute(SOURCES.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0006 cannot be undone: bars without an amount have no place in 0005")
