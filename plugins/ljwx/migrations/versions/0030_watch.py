"""What the watch over the forward record finds, what followed, and what of full answers is true.

The counts of claims are null in answers that were given before; those are not watched for faithfulness.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

CHECKS = """
CREATE TABLE ljwx.watch_checks (
    session      date NOT NULL,
    line_id      text NOT NULL REFERENCES ljwx.lines,
    check_name   text NOT NULL,
    model        text NOT NULL,
    what         text NOT NULL,
    rings        boolean NOT NULL,
    since        date,
    level        double precision NOT NULL,
    mean         double precision NOT NULL,
    log_evidence double precision NOT NULL,
    log_needed   double precision NOT NULL,
    watched_at   timestamptz NOT NULL DEFAULT now(),
    run_key      bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (session, line_id, check_name)
);
COMMENT ON TABLE ljwx.watch_checks IS 'What each check of the watch saw of the champion''s line as of a session, when it was looked at last.';
COMMENT ON COLUMN ljwx.watch_checks.what IS 'The task, or the fact of the snapshot, that speaks most for a change; empty where there is one alone.';
COMMENT ON COLUMN ljwx.watch_checks.since IS 'The session with which it most likely began; null: nothing is seen.';
COMMENT ON COLUMN ljwx.watch_checks.log_evidence IS 'Natural logarithm of the detector''s value; the check rings where it reaches log_needed, and until things are as they were.';
"""

ALARMS = """
CREATE TABLE ljwx.watch_alarms (
    alarm_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line_id      text NOT NULL REFERENCES ljwx.lines,
    check_name   text NOT NULL,
    model        text NOT NULL,
    what         text NOT NULL,
    text         text NOT NULL,
    since        date,
    rang         date NOT NULL,
    done         text CHECK (done IN ('reported', 'marked', 'rolled_back')),
    because      text,
    promotion_id bigint REFERENCES ljwx.promotions,
    ended        date,
    run_key      bigint NOT NULL REFERENCES ljwx.runs,
    CHECK ((done IS NULL) = (because IS NULL))
);
CREATE UNIQUE INDEX watch_alarms_once ON ljwx.watch_alarms (line_id, check_name) WHERE ended IS NULL;
COMMENT ON TABLE ljwx.watch_alarms IS 'Incidents of the watch: a check that rings, from the session on which it rang until it has ended.';
COMMENT ON COLUMN ljwx.watch_alarms.model IS 'The model that served when it rang.';
COMMENT ON COLUMN ljwx.watch_alarms.done IS 'What followed, once; null: not yet.';
COMMENT ON COLUMN ljwx.watch_alarms.promotion_id IS 'The rollback that followed; null: none did.';
COMMENT ON COLUMN ljwx.watch_alarms.ended IS 'The session on which things were as they were, or the model served no more; null: it rings.';
"""

KINDS = """
ALTER TABLE ljwx.incidents DROP CONSTRAINT incidents_kind_check;
ALTER TABLE ljwx.incidents ADD CONSTRAINT incidents_kind_check CHECK (kind IN ('failed', 'late', 'watch'));
"""

CLAIMS = """
ALTER TABLE ljwx.forward_answers ADD COLUMN claims integer, ADD COLUMN claims_right integer;
COMMENT ON COLUMN ljwx.forward_answers.claims IS 'Numbers and signals that an answer in full claims, and claims_right those that its snapshot holds; counted when it came. Null: of the class alone, of an invalid one, and of answers that were given before they were counted.';
"""


def upgrade() -> None:
    for statement in (CHECKS, ALARMS, KINDS, CLAIMS):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("ALTER TABLE ljwx.forward_answers DROP COLUMN claims, DROP COLUMN claims_right")
    op.execute("DELETE FROM ljwx.incidents WHERE kind = 'watch'")
    op.execute("ALTER TABLE ljwx.incidents DROP CONSTRAINT incidents_kind_check")
    op.execute("ALTER TABLE ljwx.incidents ADD CONSTRAINT incidents_kind_check CHECK (kind IN ('failed', 'late'))")
    op.execute("DROP TABLE ljwx.watch_alarms, ljwx.watch_checks")
