SELECT answer FROM ljwx.kept_answers
WHERE query = %(query)s::text AND asked_at >= %(since)s
   OR query = 'part of ' || %(query)s::text AND asked_at >= %(parts_since)s
ORDER BY query = %(query)s::text DESC
LIMIT 1
