"""A champion can be put back more than once: the rule of one decision per pair is for the gate's decisions only."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ONCE = """
DROP INDEX ljwx.promotions_once;
CREATE UNIQUE INDEX promotions_once ON ljwx.promotions (challenger, question_set_id, coalesce(champion, ''))
    WHERE verdict <> 'rolled_back';
COMMENT ON COLUMN ljwx.promotions.verdict IS 'What the gate said; rolled_back: a person put the previous champion (challenger) back in the place of champion.';
"""


def upgrade() -> None:
    op.execute(ONCE)


def downgrade() -> None:
    op.execute("DROP INDEX ljwx.promotions_once")
    op.execute(
        "CREATE UNIQUE INDEX promotions_once ON ljwx.promotions (challenger, question_set_id, coalesce(champion, ''))"
    )
