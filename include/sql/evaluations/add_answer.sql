INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, parsed, valid, label, probabilities, probabilities_from, reason,
                          claims, latency_s, server_s, prompt_tokens, answer_tokens, server)
VALUES (%(evaluation_id)s, %(sample_id)s, %(raw)s, %(parsed)s, %(valid)s, %(label)s, %(probabilities)s,
        %(probabilities_from)s, %(reason)s, %(claims)s, %(latency_s)s, %(server_s)s, %(prompt_tokens)s,
        %(answer_tokens)s, %(server)s)
ON CONFLICT (evaluation_id, sample_id) DO NOTHING
