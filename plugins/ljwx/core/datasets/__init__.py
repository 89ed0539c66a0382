"""Which samples a dataset takes, its splits in time, the proof, and the files. Pure: no airflow, HTTP or SQL."""
