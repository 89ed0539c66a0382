SELECT sample_id, valid, label, probabilities, latency_s, prompt_tokens, answer_tokens, reason, claims
FROM ljwx.answers
WHERE evaluation_id = %(evaluation_id)s
