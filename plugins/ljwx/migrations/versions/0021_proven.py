"""Whether what serves was proven, and the numbers that a decision about a line rests on.

Both are null in decisions made before; those stay as they are.
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PROVEN = """
ALTER TABLE ljwx.promotions ADD COLUMN proven boolean, ADD COLUMN evidence jsonb;
COMMENT ON COLUMN ljwx.promotions.proven IS 'Whether it was shown that the challenger''s line ranks stocks and that its probabilities say more than the class rates. Null: no decision about evidence, or made before it was asked.';
COMMENT ON COLUMN ljwx.promotions.evidence IS 'What the sessions said about the challenger''s line, in numbers: looks, lines, error rate given and spent, sizes, questions left out and why. Null: none was weighed.';
ALTER TABLE ljwx.lines ADD COLUMN proven boolean;
COMMENT ON COLUMN ljwx.lines.proven IS 'What was last found out about it; null: never weighed.';
"""


def upgrade() -> None:
    op.execute(PROVEN.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("ALTER TABLE ljwx.promotions DROP COLUMN proven, DROP COLUMN evidence")
    op.execute("ALTER TABLE ljwx.lines DROP COLUMN proven")
