"""Asụsụ: a translation pipeline defined once, compiled to JSON, run on SageMaker or on a laptop."""
