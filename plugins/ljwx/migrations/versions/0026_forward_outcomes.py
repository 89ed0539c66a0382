"""What came true of the forward record: each outcome as it was known then, and each correction beside it.

Everything is new.
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

OUTCOMES = """
CREATE TABLE ljwx.forward_outcomes (
    session             date NOT NULL,
    ts_code             text NOT NULL,
    task                text NOT NULL,
    revision            integer NOT NULL CHECK (revision > 0),
    label               text,
    reason              text,
    net                 double precision,
    excess              double precision,
    realised_volatility double precision,
    max_drawdown        double precision,
    entry_session       date,
    exit_session        date,
    label_end           date,
    known_at            timestamptz NOT NULL,
    settled_at          timestamptz NOT NULL,
    run_key             bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (session, ts_code, task, revision),
    CHECK (num_nulls(label, reason) = 1),
    CHECK ((label IS NULL) = (label_end IS NULL))
);
COMMENT ON TABLE ljwx.forward_outcomes IS 'What came true of a question of the forward record. A correction of bars adds a revision; no row is ever changed or removed.';
COMMENT ON COLUMN ljwx.forward_outcomes.revision IS 'From 1; the highest is what is known now.';
COMMENT ON COLUMN ljwx.forward_outcomes.label IS 'The class that came true, by the spec and the fit of the batch; null: there is none, and reason says why.';
COMMENT ON COLUMN ljwx.forward_outcomes.excess IS 'Net return over that of the equal-weight market, a fraction.';
COMMENT ON COLUMN ljwx.forward_outcomes.label_end IS 'The last session that the outcome depends on.';
COMMENT ON COLUMN ljwx.forward_outcomes.known_at IS 'It was made of the bars that were current then.';
COMMENT ON COLUMN ljwx.forward_outcomes.settled_at IS 'By the clock of the database, when the row was written.';

CREATE TABLE ljwx.forward_settled (
    session  date PRIMARY KEY REFERENCES ljwx.forward_batches,
    known_at timestamptz NOT NULL,
    run_key  bigint NOT NULL REFERENCES ljwx.runs
);
COMMENT ON TABLE ljwx.forward_settled IS 'The bars of which moment a session of the forward record was last settled with; bars that came later settle it anew.';
"""

TRIGGERS = """
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ljwx.forward_outcomes EXECUTE FUNCTION ljwx.forward_refused();
"""


def upgrade() -> None:
    for statement in (OUTCOMES, TRIGGERS):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0026 cannot be undone: a record that can be removed proves nothing")
