-- As known at a moment: the revisions of then, of the sessions that were complete then.
SELECT ts_code, session,
       ma_5, ma_10, ma_20, ma_60, ema_12, ema_26, macd_dif, macd_dea, macd_hist, rsi_6, rsi_12, rsi_14, rsi_24,
       kdj_k, kdj_d, kdj_j, boll_upper, boll_mid, boll_lower, boll_pct_b, boll_width, atr_14, adx_14, cci_14,
       williams_r_14, obv, mfi_14, roc_12, volume_ratio_5, ret_1, ret_5, ret_10, ret_20, vol_20, drawdown_60
FROM ljwx.features
JOIN ljwx.complete_days USING (session)
WHERE first_seen <= %(known_at)s AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
  AND complete_from <= %(known_at)s AND (complete_until IS NULL OR complete_until > %(known_at)s)
  AND feature_version = %(feature_version)s AND session BETWEEN %(first)s AND %(last)s
ORDER BY ts_code, session
