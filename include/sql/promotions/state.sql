SELECT m.deleted_at, (SELECT a.model FROM ljwx.aliases a WHERE a.alias = 'champion') AS champion
FROM ljwx.models m
WHERE m.model = %(model)s
