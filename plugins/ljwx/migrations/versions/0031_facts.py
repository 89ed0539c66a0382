"""Tables of facts that sources state beside the bars: ratios of price, and large orders.

Everything is new.
"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE ljwx.{name} (
    session       date NOT NULL,
    ts_code       text NOT NULL,
    revision      integer NOT NULL,
    {columns},
    first_seen    timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    run_key       bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (session, ts_code, revision)
);
CREATE UNIQUE INDEX {name}_current ON ljwx.{name} (session, ts_code) WHERE superseded_at IS NULL;
COMMENT ON TABLE ljwx.{name} IS '{comment}';
"""

VALUATIONS = (
    "What a stock cost on a session against earnings and sales of twelve months and book value, null for a loss; "
    "turnover in per cent of the floating shares, their value in 10,000 CNY."
)
MONEY_FLOWS = "What orders of 200,000 CNY and more bought and sold of a stock on a session, and all that was traded, in 10,000 CNY."


def upgrade() -> None:
    _create("valuations", ("pe_ttm", "pb", "ps_ttm", "turnover", "float_value"), VALUATIONS)
    _create("money_flows", ("large_bought", "large_sold", "traded"), MONEY_FLOWS)


def _create(name: str, columns: tuple[str, ...], comment: str) -> None:
    typed = ",\n    ".join(f"{column} double precision" for column in columns)
    op.execute(TABLE.format(name=name, columns=typed, comment=comment))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
