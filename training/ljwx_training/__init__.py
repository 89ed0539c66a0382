"""LoRA training of a GGUF model: a job folder in, a result out.

Never imports airflow, a database driver or ``ljwx``: it runs in an environment, an image or a machine of its own.
"""

VERSION = "0.1.0"
