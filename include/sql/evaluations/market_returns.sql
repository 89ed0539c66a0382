SELECT session, avg(ret_20)::float8 AS market_return
FROM ljwx.current_features
WHERE session = ANY(%(sessions)s) AND ret_20 IS NOT NULL AND ret_20 <> 'NaN'
GROUP BY session
