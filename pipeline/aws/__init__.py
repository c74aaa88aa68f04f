"""What talks to an account: the only importers of boto3."""
