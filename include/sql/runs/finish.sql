UPDATE ljwx.runs SET outputs = %(outputs)s, finished_at = now() WHERE run_key = %(run_key)s
