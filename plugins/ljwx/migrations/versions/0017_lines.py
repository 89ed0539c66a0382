"""Evidence that lasts: lines of models, what each session says about a pair of them, the looks, the error rate spent.

Everything is new; decisions made before stay as they are.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None

LINES = """
CREATE TABLE ljwx.lines (
    line_id   text PRIMARY KEY,
    strategy  text NOT NULL,
    recipe    jsonb NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    run_key   bigint NOT NULL REFERENCES ljwx.runs
);
COMMENT ON TABLE ljwx.lines IS 'A recipe without its dataset; models of a line differ in what was taken from their datasets. line_id is a hash of the recipe. closed_at: it challenges no longer.';
ALTER TABLE ljwx.models ADD COLUMN line_id text REFERENCES ljwx.lines;
COMMENT ON COLUMN ljwx.models.line_id IS 'The line that the model belongs to; null: built before lines were kept.';
CREATE TABLE ljwx.line_uses (
    line_id text NOT NULL REFERENCES ljwx.lines,
    session date NOT NULL,
    why     text NOT NULL CHECK (why IN ('chosen', 'tuned', 'promoted')),
    run_key bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (line_id, session)
);
COMMENT ON TABLE ljwx.line_uses IS 'Sessions on whose outcomes a line was chosen, tuned or promoted: they never count for it again.';
"""

EVIDENCE = """
CREATE TABLE ljwx.line_evidence (
    challenger       text NOT NULL REFERENCES ljwx.lines (line_id),
    rival            text NOT NULL,
    session          date NOT NULL,
    task             text NOT NULL,
    statistic        text NOT NULL CHECK (statistic IN ('rank_ic', 'brier', 'log')),
    value            double precision NOT NULL,
    bound            double precision NOT NULL CHECK (bound >= 0),
    stocks           integer NOT NULL CHECK (stocks > 0),
    label_end        date NOT NULL,
    challenger_model text NOT NULL REFERENCES ljwx.models (model),
    rival_model      text REFERENCES ljwx.models (model),
    noted_at         timestamptz NOT NULL DEFAULT now(),
    run_key          bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (challenger, rival, task, statistic, session),
    CHECK (challenger <> rival),
    CHECK (label_end >= session)
);
COMMENT ON TABLE ljwx.line_evidence IS 'By how much a line was better than its rival on the questions of a session, once each: the first word stays.';
COMMENT ON COLUMN ljwx.line_evidence.rival IS 'Another line, or what needs no model: none (a RankIC of 0), class_rates (of the train period).';
COMMENT ON COLUMN ljwx.line_evidence.value IS 'Challenger less rival, positive where the challenger is better.';
COMMENT ON COLUMN ljwx.line_evidence.bound IS 'The largest value that was possible, known before the outcome.';
CREATE TABLE ljwx.line_stakes (
    challenger text NOT NULL REFERENCES ljwx.lines (line_id),
    rival      text NOT NULL,
    session    date NOT NULL,
    alpha      double precision NOT NULL CHECK (alpha > 0 AND alpha < 1),
    run_key    bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (challenger, rival)
);
COMMENT ON TABLE ljwx.line_stakes IS 'The error rate that a line was given to challenge a rival with, from this session on; evidence of sessions before it does not count.';
CREATE TABLE ljwx.line_looks (
    look         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    challenger   text NOT NULL,
    rival        text NOT NULL,
    session      date NOT NULL,
    sessions     integer NOT NULL CHECK (sessions >= 0),
    log_evidence double precision NOT NULL,
    looked_at    timestamptz NOT NULL DEFAULT now(),
    run_key      bigint NOT NULL REFERENCES ljwx.runs,
    UNIQUE (challenger, rival, session),
    FOREIGN KEY (challenger, rival) REFERENCES ljwx.line_stakes
);
COMMENT ON TABLE ljwx.line_looks IS 'A look at the evidence at the close of a session: how many sessions counted, and the natural logarithm of the evidence.';
"""


def upgrade() -> None:
    for statement in (LINES, EVIDENCE):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0017 cannot be undone: 0013 has no place for the evidence of lines")
