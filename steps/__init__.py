"""What runs inside the containers: one folder per step. Nothing here imports `pipeline` or knows S3."""
