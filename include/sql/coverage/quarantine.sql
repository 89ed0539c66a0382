SELECT reason, count(*) AS rows, count(DISTINCT q.session) AS sessions, min(q.session) AS first, max(q.session) AS last
FROM ljwx.quarantine q
CROSS JOIN LATERAL unnest(q.reasons) AS reason
GROUP BY reason
ORDER BY rows DESC, reason
