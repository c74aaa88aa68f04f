"""The bundled English-Igbo phrasebook: a small hand-made grammar and lexicon that a tiny model can learn.

Reading order: `things`, `people`, `verbs` (words), `clauses` (agreement), `actions`, `requests` and `scenes` (frames), `dirt`
(what preparation must drop), `generate` (the corpus, and the monolingual text for the tiny base model), `bundle` (the
corpus as a file to publish).
"""

from pipeline.staging.phrasebook.bundle import bundled_spec, write_tsv
from pipeline.staging.phrasebook.generate import LANGUAGES, PhraseRow, corpus, monolingual

__all__ = ["LANGUAGES", "PhraseRow", "bundled_spec", "corpus", "monolingual", "write_tsv"]
