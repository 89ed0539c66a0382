SELECT DISTINCT b.session
FROM ljwx.forward_batches b
JOIN ljwx.forward_answers a USING (session)
WHERE b.sealed_at IS NULL AND b.deadline <= ljwx.forward_clock()
ORDER BY b.session
