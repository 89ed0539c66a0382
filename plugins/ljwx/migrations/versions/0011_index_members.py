"""Who was a member of an index on which day, for datasets of an index's stocks."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MEMBERS = """
CREATE TABLE ljwx.index_members (
    index_code    text NOT NULL,
    session       date NOT NULL,
    ts_code       text NOT NULL,
    revision      integer NOT NULL,
    weight        double precision,
    first_seen    timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    run_key       bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (index_code, session, ts_code, revision)
);
CREATE UNIQUE INDEX index_members_current ON ljwx.index_members (index_code, session, ts_code) WHERE superseded_at IS NULL;
COMMENT ON TABLE ljwx.index_members IS 'Members of an index in its list of a session (index_weight), each change a revision; a member that a later answer for the same session lacks is superseded by nothing. session is the list''s own day, not the day on which it was published. weight in per cent. Filled while the settings name the index.';
"""


def upgrade() -> None:
    op.execute(MEMBERS.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("DROP TABLE ljwx.index_members")
