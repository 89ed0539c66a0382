# Airflow's official image with this package, its requirements and its DAGs. Used by docker-compose.yaml.
FROM apache/airflow:3.3.2-python3.12

# What changes seldom comes first: a change of the package installs the package alone.
WORKDIR /opt/ljwx
COPY --chown=airflow:0 requirements.txt requirements-celery.txt requirements-s3.txt requirements-fab.txt \
     requirements-kubernetes.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt -r requirements-celery.txt -r requirements-s3.txt \
       -r requirements-fab.txt -r requirements-kubernetes.txt -c constraints.txt

# plugins/ljwx/_include is a link to include/ beside plugins/: SQL, prompts, reports, sessions and settings get into the wheel.
COPY --chown=airflow:0 include /opt/ljwx/include
COPY --chown=airflow:0 plugins /opt/ljwx/plugins
RUN pip install --no-cache-dir --no-deps /opt/ljwx/plugins

WORKDIR /opt/airflow
COPY --chown=airflow:0 dags /opt/airflow/dags
RUN mkdir -p /opt/airflow/logs /opt/airflow/plugins /opt/airflow/ljwx-data \
    && echo "from ljwx.airflow_plugin import LjwxPlugin" > /opt/airflow/plugins/ljwx_plugin.py

ENV LJWX_DATA=/opt/airflow/ljwx-data \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
