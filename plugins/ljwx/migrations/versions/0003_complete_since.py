"""Since when a session counts, so that "as known on D" leaves out what was still incomplete on D."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COMPLETE_SINCE = """
ALTER TABLE ljwx.ingest_days ADD COLUMN complete_since timestamptz;
UPDATE ljwx.ingest_days SET complete_since = checked_at WHERE complete;
COMMENT ON COLUMN ljwx.ingest_days.complete_since IS 'When the session first was complete, without a break since; meant only while complete is true.';
"""


def upgrade() -> None:
    op.execute(COMPLETE_SINCE.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("ALTER TABLE ljwx.ingest_days DROP COLUMN complete_since")
