"""Puts a corpus and a base model where the pipeline expects them: content-hashed folders with a manifest."""
