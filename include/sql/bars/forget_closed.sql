-- A weekday past the calendar's end was taken for a session, and has turned out to be closed.
WITH closed AS (
    DELETE FROM ljwx.sessions
    WHERE session BETWEEN %(first)s AND %(last)s AND NOT session = ANY (%(sessions)s)
    RETURNING session
)
DELETE FROM ljwx.ingest_days d
USING closed
WHERE d.session = closed.session AND NOT d.complete
  AND NOT EXISTS (SELECT FROM ljwx.bars b WHERE b.session = d.session)
