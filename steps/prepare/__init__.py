"""PrepareCorpus: from raw parallel text to three splits that share no sentence, and a report of every dropped row."""
