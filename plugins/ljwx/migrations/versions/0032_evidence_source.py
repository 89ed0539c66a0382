"""What a session says about two lines may come from the forward record; what was noted before came from validation.

On the same answers a later look at the record may promote where an earlier one kept the champion: both decisions stay.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

SOURCE = """
ALTER TABLE ljwx.line_evidence ADD COLUMN source text NOT NULL DEFAULT 'validation'
    CHECK (source IN ('validation', 'record'));
COMMENT ON COLUMN ljwx.line_evidence.source IS
    'Who asked about the session: the forward record (record), or the validation window of a dataset.';
"""

ONCE = """
DROP INDEX ljwx.promotions_once;
CREATE UNIQUE INDEX promotions_once
    ON ljwx.promotions (challenger, question_set_id, coalesce(champion, ''), coalesce(evaluation_id, 0), policy, verdict)
    WHERE verdict <> 'rolled_back';
"""


def upgrade() -> None:
    op.execute(SOURCE)
    op.execute(ONCE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
