SELECT FROM ljwx.models m
WHERE m.model = %(name)s AND m.deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM ljwx.aliases a WHERE a.model = m.model)
    AND EXISTS (SELECT FROM ljwx.promotions p WHERE p.challenger = m.model)
