"""An account on loopback: moto's, with what moto lacks or fakes put in front of it.

moto answers as the services do for S3, IAM, ECR, logs, events and the registry, and takes any request. Here every JSON
request is held against the service's own shapes first, a started execution really runs (its definition is handed to the
local runner, in a process of its own), and its steps, jobs, logs, objects and packages appear where the service would
put them. Quotas and prices are answered from a table. Commands reach it through AWS_ENDPOINT_URL and know nothing of it.
"""
