UPDATE ljwx.forward_batches
SET answers = %(answers)s, digest = %(digest)s, previous = %(previous)s
WHERE session = %(session)s
