"""The message about the watchlist is kept as sent among the incidents, so that a session is sent once."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

KINDS = """
ALTER TABLE ljwx.incidents DROP CONSTRAINT incidents_kind_check;
ALTER TABLE ljwx.incidents ADD CONSTRAINT incidents_kind_check CHECK (kind IN ('failed', 'late', 'watch', 'answers'));
"""


def upgrade() -> None:
    op.execute(KINDS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
