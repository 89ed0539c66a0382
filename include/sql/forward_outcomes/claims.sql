-- What full answers of a line's models claimed by session, and how much of it was true.
SELECT a.session, a.digest, sum(a.claims)::int AS claims, sum(a.claims_right)::int AS claims_right
FROM ljwx.forward_answers a
JOIN ljwx.forward_batches b USING (session)
WHERE a.line_id = %(line_id)s AND a.claims IS NOT NULL AND NOT a.late AND b.sealed_at < b.deadline
GROUP BY a.session, a.digest
ORDER BY a.session, a.digest
