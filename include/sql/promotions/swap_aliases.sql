UPDATE ljwx.aliases a
SET model = other.model, digest = other.digest, updated_at = now(),
    promotion_id = CASE a.alias WHEN 'champion' THEN %(promotion_id)s ELSE other.promotion_id END
FROM ljwx.aliases other
WHERE a.alias IN ('champion', 'previous') AND other.alias IN ('champion', 'previous') AND other.alias <> a.alias
