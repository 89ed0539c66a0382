"""A message is noted before it is sent and after it: one that a killed sender lost is sent by the next, and seen."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0036"
branch_labels = None
depends_on = None

SENT = """
ALTER TABLE ljwx.incidents ADD COLUMN sending_since timestamptz, ADD COLUMN sent_at timestamptz;
UPDATE ljwx.incidents SET sent_at = last_seen WHERE failing <> '{}';
COMMENT ON TABLE ljwx.incidents IS 'Runs that failed or were late, and what else people get one message about. failing: what has not recovered: task instances, task or task[map index], a check of the watch, or the watchlist; empty when it is over. count: how often it was seen. told_at: the count at which a message about it was due last. sending_since: when somebody began to send that message; null when nobody does. sent_at: when an address took it; null while none has.';
"""


def upgrade() -> None:
    op.execute(SENT.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
