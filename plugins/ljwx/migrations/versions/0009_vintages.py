"""What the source did not carry while a session was complete; bars without a factor; every word on a suspension."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

VINTAGES = """
ALTER TABLE ljwx.complete_days ADD COLUMN absent text[] NOT NULL DEFAULT '{}';
UPDATE ljwx.complete_days c SET absent = d.absent FROM ljwx.ingest_days d WHERE d.session = c.session;
COMMENT ON COLUMN ljwx.complete_days.absent IS 'What the source did not carry then; when that changes the span ends and another begins.';

ALTER TABLE ljwx.ingest_days ADD COLUMN unfactored integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN ljwx.ingest_days.unfactored IS 'Expected stocks whose bar has no factor although the source carries factors; they are missing for completeness.';

ALTER TABLE ljwx.suspensions DROP CONSTRAINT suspensions_pkey;
CREATE UNIQUE INDEX suspensions_once ON ljwx.suspensions (session, ts_code, kind, coalesce(timing, ''));
COMMENT ON TABLE ljwx.suspensions IS 'Suspended (S) and resumed (R) stocks of a session (suspend_d), in every version that came: first_seen tells the newest. timing is null for a whole day.';
"""


def upgrade() -> None:
    op.execute(VINTAGES.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0009 cannot be undone: 0008 has one timing for a suspension, and no absent for a span")
