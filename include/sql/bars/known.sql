-- As known at a moment: the revisions of then, of the sessions that were complete then.
SELECT ts_code, session, open, high, low, close, pre_close, vol, amount, ah_vol, ah_amount,
       adj_factor, up_limit, down_limit, flags, 'adj_factor' = ANY (absent) AS unfactored
FROM ljwx.bars
JOIN ljwx.complete_days USING (session)
WHERE first_seen <= %(known_at)s AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
  AND complete_from <= %(known_at)s AND (complete_until IS NULL OR complete_until > %(known_at)s)
  AND session BETWEEN %(first)s AND %(last)s
ORDER BY ts_code, session
