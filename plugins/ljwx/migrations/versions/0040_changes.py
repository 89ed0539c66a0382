"""Which transaction has changed which table, so that what was worked out from them is worked out anew.

A row comes of itself with each change of a watched table, in the same transaction; nothing is changed else.
"""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0041"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE ljwx.changes (
    xid        xid8 NOT NULL,
    changed    text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (xid, changed)
);
CREATE INDEX changes_by_age ON ljwx.changes (changed_at);
COMMENT ON TABLE ljwx.changes IS 'A transaction that has changed a watched table, of the last two days. A reader that was told the snapshot of an earlier look finds what it has to read again, in whatever order transactions end.';
COMMENT ON COLUMN ljwx.changes.changed IS 'The table.';
"""

FUNCTIONS = """
CREATE FUNCTION ljwx.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
BEGIN
    INSERT INTO ljwx.changes (xid, changed) VALUES (pg_current_xact_id(), TG_TABLE_NAME) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $body$;

CREATE FUNCTION ljwx.forget_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
BEGIN
    DELETE FROM ljwx.changes c USING (
        SELECT xid, changed FROM ljwx.changes WHERE changed_at < now() - interval '2 days' LIMIT 10000 FOR UPDATE SKIP LOCKED
    ) gone WHERE (c.xid, c.changed) = (gone.xid, gone.changed);
    RETURN NULL;
END $body$;
CREATE TRIGGER forgotten AFTER INSERT ON ljwx.runs FOR EACH STATEMENT EXECUTE FUNCTION ljwx.forget_changes();

CREATE FUNCTION ljwx.watch(watched text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    EXECUTE format('CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ljwx.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION ljwx.note_change()', watched);
END $body$;
COMMENT ON FUNCTION ljwx.watch IS 'Lets each change of a table be noted in ljwx.changes; of every table that an analysis is made from.';
"""

WATCHED = (
    "sessions", "instruments", "names", "index_members", "index_bars", "suspensions", "bars", "valuations", "money_flows",
    "fundamentals", "quarantine", "ingest_days", "complete_days", "features", "feature_marks", "samples", "datasets",
    "dataset_samples", "models", "promotions", "aliases", "lines", "forward_batches", "forward_answers",
    "forward_outcomes", "forward_settled", "watch_alarms", "retention_events",
)  # fmt: skip


def upgrade() -> None:
    for statement in (CHANGES, FUNCTIONS, *(f"SELECT ljwx.watch('{table}');" for table in WATCHED)):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only")
