"""What belongs to the one who asks: a token's, or a user's of Airflow."""
