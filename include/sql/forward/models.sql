SELECT DISTINCT answerer AS model, digest, line_id
FROM ljwx.forward_answers
WHERE session = %(session)s AND digest IS NOT NULL
ORDER BY 1, 2
