"""Codes that ended or were renamed, and names that their source corrects or takes back."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INSTRUMENTS = """
ALTER TABLE ljwx.instruments
    ADD COLUMN end_reason text CHECK (end_reason IN ('renamed', 'gone')),
    ADD COLUMN renamed_to text;
COMMENT ON COLUMN ljwx.instruments.end_reason IS 'Why we ended a code that the source does not list any more: renamed, or gone without a word. delist_date is then the session after its last bar (null: it has none). Null: delist_date is what the source says.';
COMMENT ON COLUMN ljwx.instruments.renamed_to IS 'The newest code of the same stock: of bse_mapping, or of stock_basic and namechange, where exchange, listing day and a name are the same.';
CREATE OR REPLACE VIEW ljwx.current_instruments AS SELECT * FROM ljwx.instruments WHERE superseded_at IS NULL;
CREATE INDEX instruments_renamed ON ljwx.instruments (renamed_to) WHERE renamed_to IS NOT NULL AND superseded_at IS NULL;
CREATE VIEW ljwx.codes_of_stock AS
SELECT ts_code, renamed_to AS code FROM ljwx.current_instruments WHERE renamed_to IS NOT NULL
UNION ALL
SELECT renamed_to, ts_code FROM ljwx.current_instruments WHERE renamed_to IS NOT NULL
UNION ALL
SELECT a.ts_code, b.ts_code
FROM ljwx.current_instruments a
JOIN ljwx.current_instruments b ON b.renamed_to = a.renamed_to AND b.ts_code <> a.ts_code
WHERE a.renamed_to IS NOT NULL;
COMMENT ON VIEW ljwx.codes_of_stock IS 'The other codes of a renamed stock.';
"""

NAMES = """
ALTER TABLE ljwx.names
    ADD COLUMN revision integer NOT NULL DEFAULT 1,
    ADD COLUMN superseded_at timestamptz,
    DROP CONSTRAINT names_pkey,
    ADD PRIMARY KEY (ts_code, start_date, name, revision);
CREATE UNIQUE INDEX names_current ON ljwx.names (ts_code, start_date, name) WHERE superseded_at IS NULL;
COMMENT ON TABLE ljwx.names IS 'Names over time (namechange), each change a revision; a period that a later answer lacks is superseded by nothing. A name that holds ST or *ST is a special-treatment period. A later name ends an earlier one, whatever end_date says; of two that begin on one day the one announced later holds, and of equal announcements the one that sorts last.';
"""

LINEAGE = """
CREATE OR REPLACE VIEW ljwx.lineage AS
SELECT m.model, m.digest, m.strategy, m.dataset_id, ds.split, s.sample_id, s.task,
       s.ts_code, s.session AS as_of, s.label_end,
       b.session AS bar_session, b.revision AS bar_revision, b.first_seen AS bar_first_seen,
       r.dag_id, r.run_id, r.task_id, r.map_index
FROM ljwx.models m
JOIN ljwx.dataset_samples ds USING (dataset_id)
JOIN ljwx.samples s USING (sample_id)
CROSS JOIN LATERAL (
    SELECT s.ts_code AS code UNION ALL SELECT o.code FROM ljwx.codes_of_stock o WHERE o.ts_code = s.ts_code
) AS of_stock
JOIN ljwx.bars b ON b.ts_code = of_stock.code AND b.session BETWEEN s.bars_from AND s.label_end
    AND b.first_seen <= s.known_at AND (b.superseded_at IS NULL OR b.superseded_at > s.known_at)
JOIN ljwx.runs r ON r.run_key = b.run_key;
"""


def upgrade() -> None:
    for statement in (INSTRUMENTS, NAMES, LINEAGE):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0019 cannot be undone: 0018 has no place for a name that was corrected")
