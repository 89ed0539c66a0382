-- A promotion uses up what the pair was given: should it challenge again, it is given another part of the error rate.
UPDATE ljwx.line_stakes SET used_by = %(promotion_id)s
WHERE challenger = %(line)s AND rival = %(rival)s AND used_by IS NULL
