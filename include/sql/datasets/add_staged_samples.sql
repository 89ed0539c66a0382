INSERT INTO ljwx.samples (sample_id, ts_code, session, task, snapshot, snapshot_sha256, answer, label, label_end,
                          bars_from, feature_version, prompt_version, known_at, run_key)
SELECT sample_id, ts_code, session, task, snapshot, snapshot_sha256, answer, label, label_end,
       bars_from, feature_version, prompt_version, %(known_at)s, %(run_key)s
FROM staged_samples
ON CONFLICT (sample_id) DO NOTHING
