"""Nothing of the forward record is dated before its batch was opened: a clock that went back is waited for.

What was written under such a clock stays as it is.
"""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

CHANGED = """
CREATE OR REPLACE FUNCTION ljwx.forward_batch_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
DECLARE
    before text;
    written integer;
BEGIN
    IF (NEW.session, NEW.deadline, NEW.dataset_id, NEW.spec, NEW.fit, NEW.opened_at, NEW.run_key)
       IS DISTINCT FROM (OLD.session, OLD.deadline, OLD.dataset_id, OLD.spec, OLD.fit, OLD.opened_at, OLD.run_key) THEN
        RAISE EXCEPTION 'ljwx.forward_batches is a record: a batch is sealed and published, and nothing else of it changes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.sealed_at IS NULL THEN
        PERFORM FROM ljwx.forward_batches b WHERE b.session < NEW.session AND b.sealed_at IS NULL ORDER BY b.session FOR UPDATE;
        SELECT count(*) INTO written FROM ljwx.forward_answers a WHERE a.session = NEW.session;
        SELECT b.digest INTO before FROM ljwx.forward_batches b WHERE b.digest IS NOT NULL ORDER BY b.session DESC LIMIT 1;
        IF NEW.answers IS DISTINCT FROM written OR NEW.previous IS DISTINCT FROM before
           OR EXISTS (SELECT FROM ljwx.forward_batches b WHERE b.session > NEW.session AND b.sealed_at IS NOT NULL)
           OR EXISTS (SELECT FROM ljwx.forward_batches b JOIN ljwx.forward_answers a USING (session)
                      WHERE b.session < NEW.session AND b.sealed_at IS NULL
                        AND NOT EXISTS (SELECT FROM ljwx.forward_batches c WHERE c.session > b.session AND c.sealed_at IS NOT NULL)) THEN
            RAISE EXCEPTION 'the batch of % is not sealed: it has to hold all its answers and follow the sealed batch before', NEW.session
                USING ERRCODE = 'restrict_violation';
        END IF;
        NEW.sealed_at := ljwx.forward_clock();
        IF NEW.sealed_at < OLD.opened_at THEN
            RAISE EXCEPTION 'the batch of % is not sealed: the clock of the database went back, it says % and the batch was opened at %', NEW.session, NEW.sealed_at, OLD.opened_at
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'forward_clock_back';
        END IF;
        NEW.published_at := NULL;
    ELSIF (NEW.sealed_at, NEW.answers, NEW.digest, NEW.previous)
          IS DISTINCT FROM (OLD.sealed_at, OLD.answers, OLD.digest, OLD.previous) THEN
        RAISE EXCEPTION 'the batch of % is sealed: it is never changed', NEW.session USING ERRCODE = 'restrict_violation';
    ELSIF OLD.published_at IS NOT NULL OR NEW.published_at IS NULL THEN
        NEW.published_at := OLD.published_at;
    ELSE
        NEW.published_at := ljwx.forward_clock();
    END IF;
    RETURN NEW;
END $body$;
"""

WRITTEN = """
CREATE OR REPLACE FUNCTION ljwx.forward_answer_written() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
DECLARE
    batch record;
    later date;
BEGIN
    SELECT b.deadline, b.opened_at, b.sealed_at INTO batch FROM ljwx.forward_batches b WHERE b.session = NEW.session FOR SHARE;
    IF batch.sealed_at IS NOT NULL THEN
        RAISE EXCEPTION 'the batch of % is sealed: it takes no more answers', NEW.session
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'forward_answers_sealed';
    END IF;
    SELECT min(b.session) INTO later FROM ljwx.forward_batches b WHERE b.session > NEW.session AND b.sealed_at IS NOT NULL;
    IF later IS NOT NULL THEN
        RAISE EXCEPTION 'the batch of % takes no more answers: the batch of % is sealed, and follows it', NEW.session, later
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'forward_answers_passed';
    END IF;
    NEW.answered_at := ljwx.forward_clock();
    IF NEW.answered_at < batch.opened_at THEN
        RAISE EXCEPTION 'no answer about % is taken: the clock of the database went back, it says % and the batch was opened at %', NEW.session, NEW.answered_at, batch.opened_at
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'forward_clock_back';
    END IF;
    NEW.late := NEW.answered_at >= batch.deadline;
    RETURN NEW;
END $body$;
"""


def upgrade() -> None:
    for statement in (CHANGED, WRITTEN):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0036 cannot be undone: a record that can be dated back proves less")
