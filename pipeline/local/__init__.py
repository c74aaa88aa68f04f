"""Runs a compiled pipeline definition on this machine, each job a process under SageMaker's container contract.

It knows nothing of any recipe. Reading order: `runner` (the order of things), `processing` and `training` (one job),
`process` (one child process), `resolver` (what `Get` and `Std:` mean), `store` (the S3 look-alike), `cache`, `record`.
"""
