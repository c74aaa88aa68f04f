"""What a person reads to judge a run: one offline page made of the run's own reports."""
