SELECT p.champion AS model, p.reasons #>> '{0,text}' AS reason,
       (bad.spec - 'examples') = (new.spec - 'examples') AS same  -- of the examples only where they are from
FROM ljwx.models new
JOIN ljwx.models bad ON (bad.strategy, bad.base_digest) = (new.strategy, new.base_digest)
    AND bad.spec -> 'parameters' = new.spec -> 'parameters' AND bad.spec ->> 'system' = new.spec ->> 'system'
    AND bad.spec ->> 'template' IS NOT DISTINCT FROM new.spec ->> 'template'
    AND bad.spec ->> 'gguf_sha256' IS NOT DISTINCT FROM new.spec ->> 'gguf_sha256'
JOIN ljwx.promotions p ON p.champion = bad.model AND p.verdict = 'rolled_back'
WHERE new.model = %(model)s AND NOT EXISTS (
    SELECT FROM ljwx.promotions back
    WHERE back.challenger = bad.model AND back.verdict = 'rolled_back' AND back.promotion_id > p.promotion_id
)
ORDER BY same DESC, p.promotion_id DESC
LIMIT 1
