SELECT line_id, strategy, recipe, opened_at, closed_at FROM ljwx.lines ORDER BY opened_at, line_id
