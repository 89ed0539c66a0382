"""The forward record: what models said of a session before its outcome, dated by the database and never changed.

Everything is new.
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

CLOCK = """
CREATE FUNCTION ljwx.forward_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
    SET search_path = pg_catalog AS 'SELECT pg_catalog.clock_timestamp()';
COMMENT ON FUNCTION ljwx.forward_clock() IS 'The time of the forward record: the one of the database, whatever the client says.';
"""

BATCHES = """
CREATE TABLE ljwx.forward_batches (
    session      date PRIMARY KEY,
    deadline     timestamptz NOT NULL,
    dataset_id   text NOT NULL,
    spec         jsonb NOT NULL,
    fit          jsonb NOT NULL,
    opened_at    timestamptz NOT NULL,
    sealed_at    timestamptz,
    answers      integer CHECK (answers > 0),
    digest       text UNIQUE,
    previous     text UNIQUE,
    published_at timestamptz,
    run_key      bigint NOT NULL REFERENCES ljwx.runs,
    CONSTRAINT forward_batches_deadline CHECK (
        (deadline AT TIME ZONE 'Asia/Shanghai')::time = '09:15'
        AND (deadline AT TIME ZONE 'Asia/Shanghai')::date - session BETWEEN 1 AND 20),
    CHECK (num_nulls(sealed_at, answers, digest) IN (0, 3)),
    CHECK (sealed_at IS NOT NULL OR num_nonnulls(previous, published_at) = 0)
);
COMMENT ON TABLE ljwx.forward_batches IS 'A session whose questions were asked before the next one opened. It is sealed once; sealed batches are a chain. A session without one is a gap, and stays one.';
COMMENT ON COLUMN ljwx.forward_batches.deadline IS '09:15 in Shanghai of the next session: an answer of then or later counts nowhere.';
COMMENT ON COLUMN ljwx.forward_batches.dataset_id IS 'The dataset whose spec, and numbers fitted on its train split, say what each class means; both are kept here and are part of the digest.';
COMMENT ON COLUMN ljwx.forward_batches.opened_at IS 'By the clock of the database, as are sealed_at and published_at.';
COMMENT ON COLUMN ljwx.forward_batches.digest IS 'sha256 over the batch and its answers, as ljwx record export writes them, and over the digest of the batch before.';
COMMENT ON COLUMN ljwx.forward_batches.previous IS 'The digest of the sealed batch before; null: it is the first.';
COMMENT ON COLUMN ljwx.forward_batches.published_at IS 'When an alert channel had taken the digest; null: none has.';
"""

ANSWERS = """
CREATE TABLE ljwx.forward_answers (
    answer_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session         date NOT NULL REFERENCES ljwx.forward_batches,
    ts_code         text NOT NULL,
    task            text NOT NULL,
    answerer        text NOT NULL,
    digest          text,
    line_id         text,
    snapshot_sha256 text NOT NULL,
    classes         text[] NOT NULL,
    probabilities   jsonb,
    answer          text,
    reason          text,
    server          text,
    latency_s       double precision,
    answered_at     timestamptz NOT NULL,
    late            boolean NOT NULL,
    run_key         bigint NOT NULL REFERENCES ljwx.runs,
    CHECK ((probabilities IS NULL) = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX forward_answers_once
    ON ljwx.forward_answers (session, ts_code, task, answerer, coalesce(digest, ''));
COMMENT ON TABLE ljwx.forward_answers IS 'What a model or a rule said about a stock as of a session. No row is ever changed or removed.';
COMMENT ON COLUMN ljwx.forward_answers.answerer IS 'A model, or a rule: class_rates, logistic, persistence.';
COMMENT ON COLUMN ljwx.forward_answers.digest IS 'Of the model on its server; null: a rule.';
COMMENT ON COLUMN ljwx.forward_answers.line_id IS 'The line that the model belongs to; null: the untuned base, or a rule.';
COMMENT ON COLUMN ljwx.forward_answers.classes IS 'All classes of the task, in its order.';
COMMENT ON COLUMN ljwx.forward_answers.probabilities IS 'By class, summing to 1. Null: they could not be read; reason says why, and it counts against the model.';
COMMENT ON COLUMN ljwx.forward_answers.answer IS 'The text of one that was asked in full; null: of the class alone.';
COMMENT ON COLUMN ljwx.forward_answers.answered_at IS 'By the clock of the database, when the row was written; no client can set it.';
COMMENT ON COLUMN ljwx.forward_answers.late IS 'Whether it was written at the deadline of its batch or later; then it counts nowhere.';
"""

# A trigger's text says what is refused, and what a session that came too late is: a gap.
REFUSALS = """
CREATE FUNCTION ljwx.forward_refused() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    RAISE EXCEPTION 'ljwx.% is a record: % is refused, no row of it is ever changed or removed', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $body$;

CREATE FUNCTION ljwx.forward_batch_opened() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
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
    NEW.sealed_at := NULL; NEW.answers := NULL; NEW.digest := NULL; NEW.previous := NULL; NEW.published_at := NULL;
    RETURN NEW;
END $body$;

CREATE FUNCTION ljwx.forward_batch_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
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
        SELECT count(*) INTO written FROM ljwx.forward_answers a WHERE a.session = NEW.session;
        SELECT b.digest INTO before FROM ljwx.forward_batches b WHERE b.digest IS NOT NULL ORDER BY b.session DESC LIMIT 1;
        IF NEW.answers IS DISTINCT FROM written OR NEW.previous IS DISTINCT FROM before
           OR EXISTS (SELECT FROM ljwx.forward_batches b WHERE b.session > NEW.session AND b.sealed_at IS NOT NULL)
           OR EXISTS (SELECT FROM ljwx.forward_batches b JOIN ljwx.forward_answers a USING (session)
                      WHERE b.session < NEW.session AND b.sealed_at IS NULL) THEN
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

CREATE FUNCTION ljwx.forward_answer_written() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
DECLARE
    batch record;
BEGIN
    SELECT b.deadline, b.sealed_at INTO batch FROM ljwx.forward_batches b WHERE b.session = NEW.session FOR SHARE;
    IF batch.sealed_at IS NOT NULL THEN
        RAISE EXCEPTION 'the batch of % is sealed: it takes no more answers', NEW.session
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'forward_answers_sealed';
    END IF;
    NEW.answered_at := ljwx.forward_clock();
    NEW.late := NEW.answered_at >= batch.deadline;
    RETURN NEW;
END $body$;
"""

TRIGGERS = """
CREATE TRIGGER opened BEFORE INSERT ON ljwx.forward_batches FOR EACH ROW EXECUTE FUNCTION ljwx.forward_batch_opened();
CREATE TRIGGER changed BEFORE UPDATE ON ljwx.forward_batches FOR EACH ROW EXECUTE FUNCTION ljwx.forward_batch_changed();
CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON ljwx.forward_batches EXECUTE FUNCTION ljwx.forward_refused();
CREATE TRIGGER written BEFORE INSERT ON ljwx.forward_answers FOR EACH ROW EXECUTE FUNCTION ljwx.forward_answer_written();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ljwx.forward_answers EXECUTE FUNCTION ljwx.forward_refused();
"""


def upgrade() -> None:
    for statement in (CLOCK, BATCHES, ANSWERS, REFUSALS, TRIGGERS):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0025 cannot be undone: a record that can be removed proves nothing")
