-- Complete sessions, and those among them that have no list of their own day or of up to valid_days before.
WITH lists AS (
    SELECT DISTINCT session FROM ljwx.index_members WHERE index_code = %(index_code)s AND superseded_at IS NULL
),
days AS (
    SELECT session, EXISTS (
        SELECT FROM lists l WHERE l.session BETWEEN d.session - %(valid_days)s::integer AND d.session
    ) AS listed
    FROM ljwx.ingest_days d
    WHERE complete
)
SELECT (SELECT count(*) FROM lists) AS lists, (SELECT max(session) FROM lists) AS newest,
       count(*) AS sessions, count(*) FILTER (WHERE NOT listed) AS without, max(session) AS last,
       max(session) FILTER (WHERE listed) AS last_listed
FROM days
