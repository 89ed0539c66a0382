-- A sealed session takes no more answers, and its outcomes change only when it is settled with later bars.
SELECT session, known_at
FROM ljwx.forward_settled
JOIN ljwx.forward_batches USING (session)
WHERE sealed_at IS NOT NULL
ORDER BY session
