"""The `asusu` command: thin verbs that parse, call and print."""
