SELECT activity.pid, host(activity.client_addr) AS address, activity.xact_start AS since
FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND held.classid = (hashtext('ljwx.kept_answers')::bigint & 4294967295)::oid
  AND held.objid = (hashtext(%(query)s)::bigint & 4294967295)::oid
