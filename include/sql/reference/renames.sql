SELECT ts_code, renamed_to FROM ljwx.current_instruments WHERE renamed_to IS NOT NULL
