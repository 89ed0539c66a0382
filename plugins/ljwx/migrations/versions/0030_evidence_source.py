"""What a session says about two lines may come from the forward record; what was noted before came from validation."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0033"
branch_labels = None
depends_on = None

SOURCE = """
ALTER TABLE ljwx.line_evidence ADD COLUMN source text NOT NULL DEFAULT 'validation'
    CHECK (source IN ('validation', 'record'));
COMMENT ON COLUMN ljwx.line_evidence.source IS
    'Who asked about the session: the forward record (record), or the validation window of a dataset.';
"""


def upgrade() -> None:
    op.execute(SOURCE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
