"""Incidents: what was told to people, so that one incident is told once."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INCIDENTS = """
CREATE TABLE ljwx.incidents (
    dag_id     text NOT NULL,
    run_id     text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('failed', 'late')),
    failing    text[] NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen  timestamptz NOT NULL DEFAULT now(),
    count      integer NOT NULL DEFAULT 1,
    told_at    integer NOT NULL DEFAULT 1,
    PRIMARY KEY (dag_id, run_id, kind)
);
CREATE INDEX incidents_by_time ON ljwx.incidents (last_seen);
COMMENT ON TABLE ljwx.incidents IS 'Runs that failed or were late. failing: the task instances that failed and have not succeeded since, task or task[map index]; empty when the run has recovered, or nobody could be told. count: failures seen. told_at: the count at which an alert was sent last.';
"""


def upgrade() -> None:
    op.execute(INCIDENTS.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("DROP TABLE ljwx.incidents")
