"""Tells people in words what waits for them. Standard library and boto3 only."""
