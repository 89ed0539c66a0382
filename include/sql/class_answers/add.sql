INSERT INTO ljwx.class_answers (evaluation_id, sample_id, probabilities, reason, server, latency_s, server_s,
                                prompt_tokens, answer_tokens)
VALUES (%(evaluation_id)s, %(sample_id)s, %(probabilities)s, %(reason)s, %(server)s, %(latency_s)s, %(server_s)s,
        %(prompt_tokens)s, %(answer_tokens)s)
ON CONFLICT (evaluation_id, sample_id) DO NOTHING
