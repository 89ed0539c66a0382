"""What a session says about the days after it, and by which rule a pair's RankICs are added up.

Of sessions noted before the days are not known. Pairs that had an error rate go on as they began, session by session.
"""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0037"
branch_labels = None
depends_on = None

DAYS = """
ALTER TABLE ljwx.line_evidence ADD COLUMN days double precision[];
COMMENT ON COLUMN ljwx.line_evidence.days IS
    'Of a RankIC: by how much it was better on each of the days after the session; null where they are not known.';
ALTER TABLE ljwx.line_stakes ADD COLUMN by_day boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ljwx.line_stakes.by_day IS
    'RankICs are added up by the days after sessions; else session by session in turn.';
"""


def upgrade() -> None:
    op.execute(DAYS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
