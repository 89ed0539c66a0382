# Airflow's official image with this package's requirements, DAGs and plugin. Used by docker-compose.yaml.
FROM apache/airflow:3.3.2-python3.12

COPY --chown=airflow:0 requirements.txt requirements-celery.txt constraints.txt /opt/ljwx/
RUN pip install --no-cache-dir -r /opt/ljwx/requirements.txt -r /opt/ljwx/requirements-celery.txt -c /opt/ljwx/constraints.txt \
       apache-airflow-providers-fab==3.10.2

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 plugins /opt/airflow/plugins
RUN pip install --no-cache-dir --no-deps /opt/airflow/plugins \
    && mkdir -p /opt/airflow/logs /opt/airflow/ljwx-data

ENV LJWX_INCLUDE=/opt/airflow/include \
    LJWX_DATA=/opt/airflow/ljwx-data \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
