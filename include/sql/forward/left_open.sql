-- One that a later session has passed in the chain can be sealed no more.
SELECT DISTINCT b.session
FROM ljwx.forward_batches b
JOIN ljwx.forward_answers a USING (session)
WHERE b.sealed_at IS NULL AND b.deadline <= ljwx.forward_clock()
  AND NOT EXISTS (SELECT FROM ljwx.forward_batches c WHERE c.session > b.session AND c.sealed_at IS NOT NULL)
ORDER BY b.session
