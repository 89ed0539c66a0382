-- A role writes all, and makes next year's partitions, where the schema's tables are its own.
SELECT current_user AS role,
    has_database_privilege(current_database(), 'TEMP') AS temporary,
    CASE WHEN there.ljwx IS NULL THEN has_database_privilege(current_database(), 'CREATE')
         ELSE has_schema_privilege(there.ljwx::oid, 'CREATE') END AS creates,
    NOT EXISTS (
        SELECT FROM pg_class c
        WHERE c.relnamespace = there.ljwx AND c.relkind IN ('r', 'p', 'v', 'S') AND NOT pg_has_role(c.relowner, 'USAGE')
    ) AS owns
FROM (SELECT to_regnamespace('ljwx') AS ljwx) there
