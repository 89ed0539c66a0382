-- Each stock's last row before a session that has values of the running features.
SELECT last.ts_code, last.session, {last}
FROM (SELECT DISTINCT ts_code FROM ljwx.current_instruments) AS stock
CROSS JOIN LATERAL (
    SELECT f.ts_code, f.session, {f}
    FROM ljwx.features f
    WHERE f.ts_code = stock.ts_code AND f.session < %(since)s AND f.feature_version = %(feature_version)s
      AND f.superseded_at IS NULL AND ({f}) IS NOT NULL
    ORDER BY f.session DESC
    LIMIT 1
) AS last
