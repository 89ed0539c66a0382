-- Outcomes that are new, or differ from what was known before; what is as it was stays as it is.
WITH moment AS MATERIALIZED (
    SELECT ljwx.forward_clock() AS settled_at
), known AS (
    SELECT DISTINCT ON (session, ts_code, task) *
    FROM ljwx.forward_outcomes
    WHERE session = ANY (%(sessions)s)
    ORDER BY session, ts_code, task, revision DESC
), added AS (
INSERT INTO ljwx.forward_outcomes (session, ts_code, task, revision, label, reason, net, excess, realised_volatility,
                                   max_drawdown, entry_session, exit_session, label_end, known_at, settled_at, run_key)
SELECT s.session, s.ts_code, s.task, coalesce(k.revision, 0) + 1, s.label, s.reason, s.net, s.excess,
       s.realised_volatility, s.max_drawdown, s.entry_session, s.exit_session, s.label_end, %(known_at)s,
       moment.settled_at, %(run_key)s
FROM staged_forward_outcomes s
CROSS JOIN moment
LEFT JOIN known k USING (session, ts_code, task)
WHERE k.revision IS NULL
   OR (s.label, s.reason, s.net, s.excess, s.realised_volatility, s.max_drawdown, s.entry_session, s.exit_session,
       s.label_end)
      IS DISTINCT FROM
      (k.label, k.reason, k.net, k.excess, k.realised_volatility, k.max_drawdown, k.entry_session, k.exit_session,
       k.label_end)
RETURNING revision
)
SELECT count(*) FILTER (WHERE revision = 1) AS new, count(*) FILTER (WHERE revision > 1) AS revised FROM added
