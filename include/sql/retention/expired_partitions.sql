SELECT c.relname AS name, 0 AS rows, pg_total_relation_size(c.oid) AS bytes
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent IN ('ljwx.bars'::regclass, 'ljwx.features'::regclass)
    AND right(c.relname, 4)::int < extract(year FROM %(before)s::date)
ORDER BY c.relname
