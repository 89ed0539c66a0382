"""Days and instruments of a tier that does not carry every interface: what was missing is said, not made up."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SMALL_TIERS = """
ALTER TABLE ljwx.ingest_days ADD COLUMN absent text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN ljwx.ingest_days.absent IS 'Interfaces that the tier did not carry when the session was fetched: adj_factor (factors are null and chained when bars are read), stk_limit, suspend_d, namechange, stock_basic (expected counts the stocks of the session before), trade_cal (the session is one of the shipped calendar).';

ALTER TABLE ljwx.instruments ALTER COLUMN list_status DROP NOT NULL, ALTER COLUMN list_date DROP NOT NULL;
COMMENT ON TABLE ljwx.instruments IS 'Stocks of all list states (stock_basic), each change a revision. Without stock_basic the stocks that had a bar: board and exchange by their number, the rest null.';
COMMENT ON TABLE ljwx.sessions IS 'Trading days as the exchange calendar of TuShare (trade_cal) confirmed them, or, without trade_cal, as the shipped calendar lists them.';
"""


def upgrade() -> None:
    op.execute(SMALL_TIERS.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0002 cannot be undone: instruments without a listing date have no place in 0001")
