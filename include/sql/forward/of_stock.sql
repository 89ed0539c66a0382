-- A model's answers about one stock as of a session, under any of the codes that it has had.
SELECT task, snapshot_sha256, probabilities, answer, reason, answered_at, late
FROM ljwx.forward_answers
WHERE session = %(session)s AND ts_code = ANY (%(codes)s) AND answerer = %(model)s AND digest = %(digest)s
ORDER BY answer_id
