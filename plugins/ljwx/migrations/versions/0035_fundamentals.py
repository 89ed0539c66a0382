"""What companies announce of their business: figures of quarters, and forecasts.

Everything is new.
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE ljwx.fundamentals (
    ts_code        text NOT NULL,
    kind           text NOT NULL,
    period         date NOT NULL,
    announced      date NOT NULL,
    corrected      boolean NOT NULL,
    revision       integer NOT NULL,
    roe            double precision,
    revenue_growth double precision,
    profit_growth  double precision,
    profit_low     double precision,
    profit_high    double precision,
    outlook        text,
    first_seen     timestamptz NOT NULL DEFAULT now(),
    superseded_at  timestamptz,
    run_key        bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (ts_code, kind, period, announced, corrected, revision)
);
CREATE UNIQUE INDEX fundamentals_current ON ljwx.fundamentals (ts_code, kind, period, announced, corrected)
    WHERE superseded_at IS NULL;
CREATE INDEX fundamentals_announced ON ljwx.fundamentals (announced);
CREATE INDEX fundamentals_seen ON ljwx.fundamentals (kind, first_seen);
COMMENT ON TABLE ljwx.fundamentals IS 'What a company announced of a quarter: a report, an express before it, or a forecast; growth on the year and return on equity in per cent.';
COMMENT ON COLUMN ljwx.fundamentals.period IS 'Last day of the quarter.';
COMMENT ON COLUMN ljwx.fundamentals.corrected IS 'The source marks the row as a correction; what it corrects may be a row of its own.';
COMMENT ON COLUMN ljwx.fundamentals.outlook IS 'The kind of a forecast, in the words of the exchanges.';
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
