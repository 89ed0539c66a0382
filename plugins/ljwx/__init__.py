"""Keeps a stock-analysis language model for China's A-shares in training, on Apache Airflow."""

__version__ = "0.1.0"
