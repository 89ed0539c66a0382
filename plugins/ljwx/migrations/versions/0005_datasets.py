"""What a dataset knew, how it differs from its parent, and which samples took the place of which."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DATASETS = """
ALTER TABLE ljwx.datasets
    ADD COLUMN known_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN merge jsonb NOT NULL DEFAULT '{}';
UPDATE ljwx.datasets SET known_at = created_at;
COMMENT ON COLUMN ljwx.datasets.known_at IS 'The dataset is made of the revisions that were current at this moment, and of nothing newer.';
COMMENT ON COLUMN ljwx.datasets.merge IS 'Against the parent, in samples: kept (same content), new, superseded, and left by reason. Empty without a parent.';

CREATE TABLE ljwx.sample_supersessions (
    dataset_id    text NOT NULL REFERENCES ljwx.datasets,
    old_sample_id text NOT NULL REFERENCES ljwx.samples,
    new_sample_id text NOT NULL REFERENCES ljwx.samples,
    cause         text NOT NULL CHECK (cause IN ('bar', 'facts', 'outcome', 'fit')),
    bar_session   date,
    bar_revision  integer,
    PRIMARY KEY (dataset_id, old_sample_id)
);
CREATE INDEX sample_supersessions_by_old ON ljwx.sample_supersessions (old_sample_id);
CREATE INDEX sample_supersessions_by_new ON ljwx.sample_supersessions (new_sample_id);
COMMENT ON TABLE ljwx.sample_supersessions IS 'Samples of the parent that dataset_id holds with other content: same stock, session and task. cause: bar (a bar of this stock is newer than what the parent knew; bar_session and bar_revision name the last such), facts (the market around it, features or names changed), outcome (the market it is compared with changed), fit (the train split moved, and with it terciles or class rates).';
"""


def upgrade() -> None:
    op.execute(DATASETS.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("DROP TABLE ljwx.sample_supersessions")
    op.execute("ALTER TABLE ljwx.datasets DROP COLUMN known_at, DROP COLUMN merge")
