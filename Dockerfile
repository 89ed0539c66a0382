# Airflow's official image with this package's requirements, DAGs and plugin. Used by docker-compose.yaml.
FROM apache/airflow:3.3.2-python3.12

WORKDIR /opt/ljwx
COPY --chown=airflow:0 requirements.txt requirements-celery.txt requirements-s3.txt requirements-fab.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt -r requirements-celery.txt -r requirements-s3.txt \
       -r requirements-fab.txt -c constraints.txt
WORKDIR /opt/airflow

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 plugins /opt/airflow/plugins
RUN pip install --no-cache-dir --no-deps /opt/airflow/plugins \
    && mkdir -p /opt/airflow/logs /opt/airflow/ljwx-data

ENV LJWX_INCLUDE=/opt/airflow/include \
    LJWX_DATA=/opt/airflow/ljwx-data \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
