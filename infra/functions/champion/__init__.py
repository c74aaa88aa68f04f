"""Publishes the approved bundle where EvaluateModel mounts the champion. Standard library and boto3 only."""
