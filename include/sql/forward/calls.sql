-- What a model said of all stocks of a session; an answer without probabilities says no class.
SELECT task, ts_code, probabilities
FROM ljwx.forward_answers
WHERE session = %(session)s AND answerer = %(model)s AND digest = %(digest)s AND probabilities IS NOT NULL
ORDER BY task, ts_code
