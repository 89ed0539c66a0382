"""What the tasks of the DAGs do, one folder a DAG or a step of one."""
