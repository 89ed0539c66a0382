"""Up to when a session's features have seen its bars, and when each session was complete."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MARKS = """
CREATE TABLE ljwx.feature_marks (
    session         date NOT NULL,
    feature_version text NOT NULL,
    computed_at     timestamptz NOT NULL,
    PRIMARY KEY (session, feature_version)
);
INSERT INTO ljwx.feature_marks
SELECT session, feature_version, min(first_seen) FROM ljwx.features WHERE superseded_at IS NULL
GROUP BY session, feature_version;
COMMENT ON TABLE ljwx.feature_marks IS 'A session whose features have seen every bar that was there at computed_at, also where no value changed.';

CREATE TABLE ljwx.complete_days (
    session        date NOT NULL,
    complete_from  timestamptz NOT NULL,
    complete_until timestamptz,
    PRIMARY KEY (session, complete_from)
);
CREATE UNIQUE INDEX complete_days_open ON ljwx.complete_days (session) WHERE complete_until IS NULL;
INSERT INTO ljwx.complete_days (session, complete_from)
SELECT session, complete_since FROM ljwx.ingest_days WHERE complete;
ALTER TABLE ljwx.ingest_days DROP COLUMN complete_since;
COMMENT ON TABLE ljwx.complete_days IS 'When a session was complete: a session that lost its completeness can still be read as known before.';
"""


def upgrade() -> None:
    op.execute(MARKS.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0008 cannot be undone: 0007 has no place for a session that was complete for a while")
