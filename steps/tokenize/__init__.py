"""TokenizeExamples: tokenises once, packs, and refuses a plan that does not fit."""
