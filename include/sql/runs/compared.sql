SELECT
    coalesce(sum((outputs ->> 'compared')::bigint), 0)::bigint AS compared,
    coalesce(sum((outputs ->> 'differing_close')::bigint), 0)::bigint AS closes,
    coalesce(sum((outputs ->> 'differing_pre_close')::bigint), 0)::bigint AS pre_closes,
    coalesce(sum((outputs ->> 'differing_factor')::bigint), 0)::bigint AS factors
FROM ljwx.runs
WHERE jsonb_exists(outputs, 'compared') AND finished_at > now() - make_interval(days => %(days)s)
