-- Whatever is written is written in a run.
SELECT count(*) AS runs, max(finished_at) AS finished_at FROM ljwx.runs
