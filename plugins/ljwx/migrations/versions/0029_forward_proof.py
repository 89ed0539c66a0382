"""The forward record goes on after an answer that came too late for the chain, and counts what was there in time.

A session that a later one has passed in the chain takes no more answers, and holds up no seal. A batch is opened only
while no later session is known, an answer is in time only where it was committed before the deadline, and a session is
settled with bars of a moment that has been.
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

OPENED = """
CREATE OR REPLACE FUNCTION ljwx.forward_batch_opened() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
DECLARE
    until date := (NEW.deadline AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    NEW.opened_at := ljwx.forward_clock();
    IF NEW.opened_at >= NEW.deadline THEN
        RAISE EXCEPTION 'the deadline of session % has passed: % is a gap, and is never filled in', NEW.session, NEW.session
            USING ERRCODE = 'check_violation', CONSTRAINT = 'forward_batches_open';
    END IF;
    IF NEW.opened_at < (NEW.session + time '15:00') AT TIME ZONE 'Asia/Shanghai' THEN
        RAISE EXCEPTION 'session % is not over by the clock of the database, which says %', NEW.session, NEW.opened_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'forward_batches_over';
    END IF;
    -- The longest that the exchange has been shut for a feast is eleven days from close to open.
    IF until - NEW.session > 12
       OR EXISTS (SELECT FROM ljwx.sessions s WHERE s.session > NEW.session AND s.session < until) THEN
        RAISE EXCEPTION 'session % is not asked about until %: that is later than the session after it', NEW.session, until
            USING ERRCODE = 'check_violation', CONSTRAINT = 'forward_batches_next';
    END IF;
    NEW.sealed_at := NULL; NEW.answers := NULL; NEW.digest := NULL; NEW.previous := NULL; NEW.published_at := NULL;
    RETURN NEW;
END $body$;
"""

# Batches before it that are still open are locked first: their answers lock them too, so none is written meanwhile.
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
    SELECT b.deadline, b.sealed_at INTO batch FROM ljwx.forward_batches b WHERE b.session = NEW.session FOR SHARE;
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
    NEW.late := NEW.answered_at >= batch.deadline;
    RETURN NEW;
END $body$;

CREATE FUNCTION ljwx.forward_answer_committed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    IF NOT NEW.late AND ljwx.forward_clock() >= (SELECT b.deadline FROM ljwx.forward_batches b WHERE b.session = NEW.session) THEN
        RAISE EXCEPTION 'an answer about % was written in time and not committed before the deadline: it is not kept', NEW.session
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'forward_answers_committed';
    END IF;
    RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER committed AFTER INSERT ON ljwx.forward_answers DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ljwx.forward_answer_committed();
"""

SETTLED = """
CREATE FUNCTION ljwx.forward_session_settled() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    IF NEW.known_at > clock_timestamp() THEN
        RAISE EXCEPTION 'session % is not settled with bars of %, which has not been', NEW.session, NEW.known_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'forward_settled_known';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER dated BEFORE INSERT OR UPDATE ON ljwx.forward_settled
    FOR EACH ROW EXECUTE FUNCTION ljwx.forward_session_settled();
UPDATE ljwx.forward_settled SET known_at = clock_timestamp() WHERE known_at > clock_timestamp();
"""


def upgrade() -> None:
    for statement in (OPENED, CHANGED, WRITTEN, SETTLED):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0029 cannot be undone: a record that can be removed proves nothing")
