"""Tables of every stage, in the order in which a row travels.

Rows that a source can correct are kept as revisions: `first_seen` says when a revision came in, `superseded_at`
when the next one replaced it (null: current). "As known on D" is `first_seen <= D < superseded_at`.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RUNS = """
CREATE TABLE ljwx.runs (
    run_key     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dag_id      text NOT NULL,
    run_id      text NOT NULL,
    task_id     text NOT NULL,
    map_index   integer NOT NULL DEFAULT -1,
    inputs      jsonb NOT NULL DEFAULT '{}',
    outputs     jsonb NOT NULL DEFAULT '{}',
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    UNIQUE (dag_id, run_id, task_id, map_index)
);
COMMENT ON TABLE ljwx.runs IS 'One row per task instance that wrote something: what it was given, what it made.';
"""

BARS = """
CREATE TABLE ljwx.sessions (
    session    date PRIMARY KEY,
    first_seen timestamptz NOT NULL DEFAULT now(),
    run_key    bigint NOT NULL REFERENCES ljwx.runs
);
COMMENT ON TABLE ljwx.sessions IS 'Trading days as the exchange calendar of TuShare (trade_cal) confirmed them.';

CREATE TABLE ljwx.instruments (
    ts_code       text NOT NULL,
    revision      integer NOT NULL,
    name          text,
    industry      text,
    market        text,
    exchange      text,
    list_status   text NOT NULL,
    list_date     date NOT NULL,
    delist_date   date,
    first_seen    timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    run_key       bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (ts_code, revision)
);
CREATE UNIQUE INDEX instruments_current ON ljwx.instruments (ts_code) WHERE superseded_at IS NULL;
COMMENT ON TABLE ljwx.instruments IS 'Stocks of all list states (stock_basic), each change a revision.';

CREATE TABLE ljwx.names (
    ts_code       text NOT NULL,
    start_date    date NOT NULL,
    name          text NOT NULL,
    end_date      date,
    ann_date      date,
    change_reason text,
    first_seen    timestamptz NOT NULL DEFAULT now(),
    run_key       bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (ts_code, start_date, name)
);
COMMENT ON TABLE ljwx.names IS 'Names over time (namechange); a name that begins with ST or *ST is a special-treatment period.';

CREATE TABLE ljwx.suspensions (
    session    date NOT NULL,
    ts_code    text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('S', 'R')),
    timing     text,
    first_seen timestamptz NOT NULL DEFAULT now(),
    run_key    bigint NOT NULL REFERENCES ljwx.runs,
    PRIMARY KEY (session, ts_code, kind)
);
COMMENT ON TABLE ljwx.suspensions IS 'Suspended (S) and resumed (R) stocks of a session (suspend_d); timing is null for a whole day.';

CREATE TABLE ljwx.bars (
    session       date NOT NULL,
    ts_code       text NOT NULL,
    revision      integer NOT NULL,
    open          double precision NOT NULL,
    high          double precision NOT NULL,
    low           double precision NOT NULL,
    close         double precision NOT NULL,
    pre_close     double precision NOT NULL,
    vol           double precision NOT NULL,
    amount        double precision NOT NULL,
    ah_vol        double precision,
    ah_amount     double precision,
    adj_factor    double precision,
    up_limit      double precision,
    down_limit    double precision,
    flags         text[] NOT NULL DEFAULT '{}',
    first_seen    timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    run_key       bigint NOT NULL,
    PRIMARY KEY (session, ts_code, revision)
) PARTITION BY RANGE (session);
CREATE UNIQUE INDEX bars_current ON ljwx.bars (session, ts_code) WHERE superseded_at IS NULL;
CREATE INDEX bars_by_stock ON ljwx.bars (ts_code, session);
COMMENT ON TABLE ljwx.bars IS 'Raw daily bars with their factor and limits: prices in CNY, vol in lots of 100 shares, amount in thousand CNY. Adjusted prices are computed, never stored.';

CREATE TABLE ljwx.quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session       date,
    ts_code       text,
    reasons       text[] NOT NULL,
    raw           jsonb NOT NULL,
    raw_sha256    text NOT NULL,
    first_seen    timestamptz NOT NULL DEFAULT now(),
    run_key       bigint NOT NULL REFERENCES ljwx.runs
);
CREATE UNIQUE INDEX quarantine_once ON ljwx.quarantine (coalesce(session, '-infinity'), raw_sha256);
COMMENT ON TABLE ljwx.quarantine IS 'Rows that broke a hard rule, as they came, with every rule they broke. session is null where the row named no day.';

CREATE TABLE ljwx.ingest_days (
    session     date PRIMARY KEY,
    complete    boolean NOT NULL,
    expected    integer NOT NULL,
    received    integer NOT NULL,
    quarantined integer NOT NULL,
    suspended   integer NOT NULL,
    missing     text[] NOT NULL DEFAULT '{}',
    checked_at  timestamptz NOT NULL DEFAULT now(),
    run_key     bigint NOT NULL REFERENCES ljwx.runs
);
COMMENT ON TABLE ljwx.ingest_days IS 'How whole each session is. Later stages read complete ones only. missing: stocks that should have a bar and have none.';
"""

FEATURES = """
CREATE TABLE ljwx.features (
    session         date NOT NULL,
    ts_code         text NOT NULL,
    feature_version text NOT NULL,
    revision        integer NOT NULL,
    {columns},
    first_seen      timestamptz NOT NULL DEFAULT now(),
    superseded_at   timestamptz,
    run_key         bigint NOT NULL,
    PRIMARY KEY (session, ts_code, feature_version, revision)
) PARTITION BY RANGE (session);
CREATE UNIQUE INDEX features_current ON ljwx.features (session, ts_code, feature_version) WHERE superseded_at IS NULL;
CREATE INDEX features_by_stock ON ljwx.features (ts_code, session);
COMMENT ON TABLE ljwx.features IS 'Indicators of one stock at one session, from bars up to that session, adjusted as of it.';
"""

FEATURE_COLUMNS = (
    "ma_5 ma_10 ma_20 ma_60 ema_12 ema_26 macd_dif macd_dea macd_hist rsi_6 rsi_12 rsi_14 rsi_24 kdj_k kdj_d kdj_j "
    "boll_upper boll_mid boll_lower boll_pct_b boll_width atr_14 adx_14 cci_14 williams_r_14 obv mfi_14 roc_12 "
    "volume_ratio_5 ret_1 ret_5 ret_10 ret_20 vol_20 drawdown_60"
)

YEARS = """
CREATE FUNCTION ljwx.ensure_years(first_day date, last_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    year integer;
    parent text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ljwx.ensure_years'));
    FOR year IN extract(year FROM first_day)::int .. extract(year FROM last_day)::int LOOP
        FOREACH parent IN ARRAY ARRAY['bars', 'features'] LOOP
            IF to_regclass(format('ljwx.%s_%s', parent, year)) IS NULL THEN
                EXECUTE format('CREATE TABLE ljwx.%s_%s PARTITION OF ljwx.%s FOR VALUES FROM (%L) TO (%L)',
                    parent, year, parent, make_date(year, 1, 1), make_date(year + 1, 1, 1));
            END IF;
        END LOOP;
    END LOOP;
END $$;
COMMENT ON FUNCTION ljwx.ensure_years IS 'Makes the yearly partitions of bars and features that the range needs.';
"""

RATE_SLOTS = """
CREATE TABLE ljwx.rate_slots (
    scope   text NOT NULL,
    slot    integer NOT NULL,
    used_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (scope, slot)
);
COMMENT ON TABLE ljwx.rate_slots IS 'One row per call that a tier allows in a minute, shared by all workers: a slot is used again after a minute.';
"""

SAMPLES = """
CREATE TABLE ljwx.samples (
    sample_id       text PRIMARY KEY,
    ts_code         text NOT NULL,
    session         date NOT NULL,
    task            text NOT NULL,
    snapshot        json NOT NULL,
    snapshot_sha256 text NOT NULL,
    answer          json NOT NULL,
    label           text NOT NULL,
    label_end       date NOT NULL CHECK (label_end >= session),
    bars_from       date NOT NULL CHECK (bars_from <= session),
    feature_version text NOT NULL,
    prompt_version  text NOT NULL,
    known_at        timestamptz NOT NULL DEFAULT now(),
    run_key         bigint NOT NULL REFERENCES ljwx.runs
);
CREATE INDEX samples_by_stock ON ljwx.samples (ts_code, session);
COMMENT ON TABLE ljwx.samples IS 'Snapshot + task + answer. sample_id is the sha256 of its content; label_end is the last session the answer depends on.';

CREATE TABLE ljwx.datasets (
    dataset_id   text PRIMARY KEY,
    sha256       text NOT NULL,
    parent_id    text REFERENCES ljwx.datasets,
    spec         jsonb NOT NULL,
    counts       jsonb NOT NULL,
    exclusions   jsonb NOT NULL,
    proof        jsonb NOT NULL,
    first_session date NOT NULL,
    last_session  date NOT NULL,
    folder       text NOT NULL,
    code_version text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    deleted_at   timestamptz,
    run_key      bigint NOT NULL REFERENCES ljwx.runs
);

CREATE TABLE ljwx.dataset_samples (
    dataset_id     text NOT NULL REFERENCES ljwx.datasets,
    sample_id      text NOT NULL REFERENCES ljwx.samples,
    split          text NOT NULL CHECK (split IN ('train', 'validation', 'test')),
    previous_label text,
    PRIMARY KEY (dataset_id, sample_id)
);
CREATE INDEX dataset_samples_by_sample ON ljwx.dataset_samples (sample_id);
COMMENT ON TABLE ljwx.dataset_samples IS 'Split of each sample. previous_label: the stock''s class last known at the as-of date, what persistence answers.';
"""

MODELS = """
CREATE TABLE ljwx.models (
    model       text PRIMARY KEY,
    digest      text NOT NULL,
    strategy    text NOT NULL CHECK (strategy IN ('prompt', 'fewshot', 'lora')),
    base        text NOT NULL,
    base_digest text NOT NULL,
    spec        jsonb NOT NULL,
    spec_sha256 text NOT NULL,
    dataset_id  text NOT NULL REFERENCES ljwx.datasets,
    verified    jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz,
    run_key     bigint NOT NULL REFERENCES ljwx.runs
);
CREATE INDEX models_by_dataset ON ljwx.models (dataset_id);
COMMENT ON TABLE ljwx.models IS 'What was built on the model server. prompt and fewshot change no weights. verified is null until the model has answered.';

CREATE TABLE ljwx.question_sets (
    question_set_id text PRIMARY KEY,
    dataset_id      text NOT NULL REFERENCES ljwx.datasets,
    created_at      timestamptz NOT NULL DEFAULT now(),
    run_key         bigint NOT NULL REFERENCES ljwx.runs
);

CREATE TABLE ljwx.questions (
    question_set_id text NOT NULL REFERENCES ljwx.question_sets,
    position        integer NOT NULL,
    sample_id       text NOT NULL REFERENCES ljwx.samples,
    PRIMARY KEY (question_set_id, position),
    UNIQUE (question_set_id, sample_id)
);
COMMENT ON TABLE ljwx.questions IS 'Frozen evaluation cases, in the order in which they are asked.';

CREATE TABLE ljwx.evaluations (
    evaluation_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model           text NOT NULL REFERENCES ljwx.models,
    digest          text NOT NULL,
    question_set_id text NOT NULL REFERENCES ljwx.question_sets,
    scorecard       jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    run_key         bigint NOT NULL REFERENCES ljwx.runs,
    UNIQUE (model, digest, question_set_id)
);

CREATE TABLE ljwx.answers (
    evaluation_id bigint NOT NULL REFERENCES ljwx.evaluations,
    sample_id     text NOT NULL REFERENCES ljwx.samples,
    raw           text NOT NULL,
    parsed        jsonb,
    valid         boolean NOT NULL,
    label         text,
    probabilities jsonb,
    reason        text,
    latency_s     double precision NOT NULL,
    prompt_tokens integer NOT NULL,
    answer_tokens integer NOT NULL,
    answered_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (evaluation_id, sample_id)
);
COMMENT ON TABLE ljwx.answers IS 'Every answer as it came. valid is false for what does not parse: it counts against the model.';

CREATE TABLE ljwx.promotions (
    promotion_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    challenger      text NOT NULL REFERENCES ljwx.models,
    champion        text REFERENCES ljwx.models,
    question_set_id text NOT NULL REFERENCES ljwx.question_sets,
    verdict         text NOT NULL,
    promoted        boolean NOT NULL,
    reasons         jsonb NOT NULL,
    policy          jsonb NOT NULL,
    decided_at      timestamptz NOT NULL DEFAULT now(),
    run_key         bigint NOT NULL REFERENCES ljwx.runs
);
CREATE UNIQUE INDEX promotions_once ON ljwx.promotions (challenger, question_set_id, coalesce(champion, ''));

CREATE TABLE ljwx.aliases (
    alias        text PRIMARY KEY CHECK (alias IN ('champion', 'previous', 'challenger')),
    model        text NOT NULL REFERENCES ljwx.models,
    digest       text NOT NULL,
    promotion_id bigint REFERENCES ljwx.promotions,
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ljwx.retention_events (
    event_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL,
    name       text NOT NULL,
    reason     text NOT NULL,
    bytes      bigint,
    dry_run    boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    run_key    bigint NOT NULL REFERENCES ljwx.runs
);
COMMENT ON TABLE ljwx.retention_events IS 'What cleanup removed, or in a dry run would remove, and why.';
"""

VIEWS = """
CREATE VIEW ljwx.current_bars AS SELECT * FROM ljwx.bars WHERE superseded_at IS NULL;
CREATE VIEW ljwx.current_features AS SELECT * FROM ljwx.features WHERE superseded_at IS NULL;
CREATE VIEW ljwx.current_instruments AS SELECT * FROM ljwx.instruments WHERE superseded_at IS NULL;

CREATE VIEW ljwx.lineage AS
SELECT m.model, m.digest, m.strategy, m.dataset_id, ds.split, s.sample_id, s.task,
       s.ts_code, s.session AS as_of, s.label_end,
       b.session AS bar_session, b.revision AS bar_revision, b.first_seen AS bar_first_seen,
       r.dag_id, r.run_id, r.task_id, r.map_index
FROM ljwx.models m
JOIN ljwx.dataset_samples ds USING (dataset_id)
JOIN ljwx.samples s USING (sample_id)
JOIN ljwx.bars b ON b.ts_code = s.ts_code AND b.session BETWEEN s.bars_from AND s.label_end
    AND b.first_seen <= s.known_at AND (b.superseded_at IS NULL OR b.superseded_at > s.known_at)
JOIN ljwx.runs r ON r.run_key = b.run_key;
COMMENT ON VIEW ljwx.lineage IS 'From a model to the bars its samples were made of and the run that fetched each, or back: filter on model, or on ts_code and bar_session.';
"""


def upgrade() -> None:
    columns = ",\n    ".join(f"{name} double precision" for name in FEATURE_COLUMNS.split())
    for script in (RUNS, BARS, FEATURES.format(columns=columns), YEARS, RATE_SLOTS, SAMPLES, MODELS, VIEWS):
        op.execute(script.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0001 is the first schema: drop the schema ljwx instead, after a backup")
