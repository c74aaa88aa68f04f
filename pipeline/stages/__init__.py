"""One builder per step of the DAG. Each returns an SDK step; `blocks` holds what they share, `recording` the session."""
