-- What the newest look at each challenger of another line came to.
SELECT DISTINCT ON (challenger) challenger, log_evidence
FROM ljwx.line_looks
WHERE rival NOT IN ('none', 'class_rates')
ORDER BY challenger, look DESC
