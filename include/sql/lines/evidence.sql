-- Without sessions on which either line was promoted, and those before the pair had the stake that it challenges with.
-- What a line is worth by itself may rest on sessions that promoted it: there it is held against no other line.
SELECT e.session, e.value, e.bound, e.stocks, e.label_end, e.source, e.days
FROM ljwx.line_evidence e
JOIN ljwx.line_stakes s ON s.challenger = e.challenger AND s.rival = e.rival AND s.used_by IS NULL
WHERE e.challenger = %(challenger)s AND e.rival = %(rival)s AND e.task = %(task)s AND e.statistic = %(statistic)s
  AND e.session >= s.session
  AND NOT EXISTS (
      SELECT FROM ljwx.line_uses u
      WHERE u.line_id IN (e.challenger, e.rival) AND u.session = e.session
        AND NOT (u.why = 'promoted' AND e.rival IN ('none', 'class_rates'))
  )
ORDER BY e.session
