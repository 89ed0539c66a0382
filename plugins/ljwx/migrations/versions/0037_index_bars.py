"""Daily levels of indexes, beside which the forward record is shown.

Everything is new.
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0039"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE ljwx.index_bars (
    session       date NOT NULL,
    ts_code       text NOT NULL,
    revision      integer NOT NULL,
    open          double precision,
    high          double precision,
    low           double precision,
    close         double precision NOT NULL,
    pre_close     double precision,
    first_seen    timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    run_key       bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (session, ts_code, revision)
);
CREATE UNIQUE INDEX index_bars_current ON ljwx.index_bars (session, ts_code) WHERE superseded_at IS NULL;
COMMENT ON TABLE ljwx.index_bars IS 'Levels of an index on a session, in points, each change a revision; a price index, without dividends.';
COMMENT ON COLUMN ljwx.index_bars.ts_code IS 'The index, as TuShare writes it: 000300.SH.';
"""


def upgrade() -> None:
    op.execute(TABLE.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
