"""Tokens of those who ask through the API, stored as hashes.

Everything is new.
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TOKENS = """
CREATE TABLE ljwx.api_tokens (
    name       text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
    sha256     text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    per_minute integer NOT NULL CHECK (per_minute BETWEEN 1 AND 100000),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
COMMENT ON TABLE ljwx.api_tokens IS 'Who may ask through ljwx serve. A row stays when its token is revoked, so that a name is never given again.';
COMMENT ON COLUMN ljwx.api_tokens.sha256 IS 'Of the token, which has 256 random bits and is shown once, when it is made.';
COMMENT ON COLUMN ljwx.api_tokens.per_minute IS 'Requests that it may make in a minute.';
"""


def upgrade() -> None:
    op.execute(TOKENS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
