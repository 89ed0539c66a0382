UPDATE ljwx.features f SET superseded_at = now()
WHERE f.session >= %(since)s AND f.feature_version = %(feature_version)s AND f.superseded_at IS NULL
  AND NOT EXISTS (
      SELECT FROM ljwx.bars b
      WHERE b.session = f.session AND b.ts_code = f.ts_code AND b.superseded_at IS NULL)
