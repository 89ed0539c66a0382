INSERT INTO ljwx.dataset_samples (dataset_id, sample_id, split, previous_label, net, excess, realised_volatility,
                                  max_drawdown, entry_session, exit_session, uniqueness)
SELECT dataset_id, sample_id, split, previous_label, net, excess, realised_volatility,
       max_drawdown, entry_session, exit_session, uniqueness
FROM staged_dataset_samples
ON CONFLICT (dataset_id, sample_id) DO NOTHING
