"""What came true, in numbers, of each sample of a dataset; and what its labels were fitted with."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OUTCOMES = """
ALTER TABLE ljwx.dataset_samples
    ADD COLUMN net double precision,
    ADD COLUMN excess double precision,
    ADD COLUMN realised_volatility double precision,
    ADD COLUMN max_drawdown double precision,
    ADD COLUMN entry_session date,
    ADD COLUMN exit_session date,
    ADD COLUMN uniqueness double precision;
COMMENT ON COLUMN ljwx.dataset_samples.net IS 'Return from the open of entry_session to the close of exit_session after all costs, a fraction, as known when the dataset was made. Null, as the numbers beside it: the task needs no future, or the dataset was made before they were kept.';
COMMENT ON COLUMN ljwx.dataset_samples.excess IS 'net less the mean net return of all stocks that could be bought, a fraction.';
COMMENT ON COLUMN ljwx.dataset_samples.realised_volatility IS 'Root mean square of the daily returns over the horizon, a fraction.';
COMMENT ON COLUMN ljwx.dataset_samples.max_drawdown IS 'Largest fall from an earlier close within the horizon, a fraction, positive.';
COMMENT ON COLUMN ljwx.dataset_samples.exit_session IS 'When it could be sold: the horizon''s last session, or later after a suspension or a close at the down limit, or the last trade before a delisting.';
COMMENT ON COLUMN ljwx.dataset_samples.uniqueness IS 'How much of the label is its own: the mean, over its sessions, of one over the labels of the same stock and task that hold that session. Null: the dataset was made before it was kept.';
"""

FIT = """
ALTER TABLE ljwx.datasets ADD COLUMN fit jsonb;
COMMENT ON COLUMN ljwx.datasets.fit IS 'What was fitted on the train split: numbers by task (such as the terciles of risk) and class rates. With spec and outcomes it makes every label again. Null: made before it was kept.';
"""


def upgrade() -> None:
    for statement in (OUTCOMES, FIT):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("ALTER TABLE ljwx.datasets DROP COLUMN fit")
    columns = ("net", "excess", "realised_volatility", "max_drawdown", "entry_session", "exit_session", "uniqueness")
    op.execute("ALTER TABLE ljwx.dataset_samples " + ", ".join(f"DROP COLUMN {name}" for name in columns))
