"""Questions of which the class alone is asked, by the thousand: their sets, and the probabilities that came.

Sets, evaluations and answers that are there stay as they are.
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KINDS = """
ALTER TABLE ljwx.question_sets
    DROP CONSTRAINT question_sets_kind_check,
    ADD CONSTRAINT question_sets_kind_check CHECK (kind IN ('validation', 'masked', 'test', 'classes'));
COMMENT ON COLUMN ljwx.question_sets.kind IS 'validation: asked in full. masked: questions of part_of, asked without name, code and date. test: of the sealed test split, opened only after a pass. classes: whole cross-sections of which the class alone is asked; the answers are in class_answers.';
"""

ANSWERS = """
CREATE TABLE ljwx.class_answers (
    evaluation_id bigint NOT NULL REFERENCES ljwx.evaluations,
    sample_id     text NOT NULL REFERENCES ljwx.samples,
    probabilities jsonb,
    reason        text,
    server        text NOT NULL,
    latency_s     double precision NOT NULL,
    server_s      double precision,
    prompt_tokens integer NOT NULL,
    answer_tokens integer NOT NULL,
    answered_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (evaluation_id, sample_id),
    CHECK ((probabilities IS NULL) = (reason IS NOT NULL))
);
COMMENT ON TABLE ljwx.class_answers IS 'How likely a model takes each class to be, from its first tokens; no text is kept. The first word on a sample stays: evaluations of one digest that asked the same way share their answers.';
COMMENT ON COLUMN ljwx.class_answers.probabilities IS 'By class, from the log-probabilities of the token that decides. Null: the class could not be read; reason says why.';
COMMENT ON COLUMN ljwx.class_answers.server IS 'The connection id of the server that answered.';
ALTER TABLE ljwx.answers ADD COLUMN server text;
COMMENT ON COLUMN ljwx.answers.server IS 'The connection id of the server that answered; null: answered before it was kept.';
"""


def upgrade() -> None:
    for statement in (KINDS, ANSWERS):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0022 cannot be undone: 0021 has no place for the answers of classes")
