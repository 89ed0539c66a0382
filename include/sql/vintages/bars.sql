-- As known at a moment: the revisions of then, of the sessions that were complete then.
SELECT b.ts_code, b.session, {b}, 'adj_factor' = ANY (c.absent) AS unfactored
FROM ljwx.bars b
JOIN ljwx.complete_days c ON c.session = b.session
WHERE b.first_seen <= %(known_at)s AND (b.superseded_at IS NULL OR b.superseded_at > %(known_at)s)
  AND c.complete_from <= %(known_at)s AND (c.complete_until IS NULL OR c.complete_until > %(known_at)s)
  AND b.session BETWEEN %(first)s AND %(last)s
ORDER BY b.ts_code, b.session
