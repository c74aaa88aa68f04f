"""What a preparation may be told: one model with every switch and limit, its defaults and where they come from.

Limits follow what was measured on human translations (English with Igbo and Swahili) and what OpusFilter, OpusCleaner,
bicleaner-hardrules and stopes do; the page of the data report shows what each cost on the corpus at hand.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from steps.job import Refused
from steps.languages import Language, language

# Rules in the order in which they are asked; the first that hits a row names it. `Rule.name` in every report.
LOCAL_RULES = (
    "empty", "undecodable", "malformed", "too-short", "too-long", "ratio", "identical", "letters", "repetition",
    "language", "similarity", "benchmark",
)  # fmt: skip
GLOBAL_RULES = ("duplicate", "source-cap", "target-cap", "template-cap", "near-duplicate", "held-out-copy")
RULES = LOCAL_RULES + GLOBAL_RULES
# Without them the output would be wrong, not different; copies of held-out sentences are looked for with near-copies
ALWAYS_ON = ("empty", "undecodable", "malformed", "held-out-copy")


class Scorer(BaseModel):
    """A bitext scorer: a local folder with an encoder, and the least cosine similarity of the two sides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str
    minimum: float = Field(default=0.5, ge=-1, le=1)
    batch: int = Field(default=64, ge=1, description="Sentences encoded at once")


class PrepareOptions(BaseModel):
    """Every switch and limit of the preparation. Lengths are in characters after repair."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    off: tuple[str, ...] = Field(default=(), description="Rules switched off")
    languages: tuple[Language, ...] = Field(default=(), description="Languages described anew, or not in the table")

    min_characters: int = Field(default=3, ge=1)
    max_characters: int = Field(default=1000, ge=1)
    max_ratio: float = Field(default=2.5, ge=1, allow_inf_nan=False, description="Longer side over shorter")
    ratio_from: int = Field(default=20, ge=1, description="Length of the longer side; under it a ratio says nothing")
    min_letters: float = Field(
        default=0.5, ge=0, le=1, description="Letters of the language's scripts, of what is no space"
    )
    identify_from: int = Field(default=20, ge=1, description="Length under which identification is a guess")
    identify: bool = Field(default=True, description="False leaves identification out altogether")

    max_targets_per_source: int = Field(default=3, ge=1)
    max_sources_per_target: int = Field(default=3, ge=1)
    max_pairs_per_template: int = Field(default=50, ge=1, description="Pairs whose source differs in digits only")
    near: float = Field(
        default=0.8,
        ge=0.7,
        le=1,
        description="Jaccard of word bigrams; the bands are made for 0.8 and find half at 0.72",
    )
    near_copies: bool = Field(default=True, description="False: no near-duplicates, groups by equal sentences only")
    benchmark_overlap: float = Field(
        default=0.5, gt=0, le=1, description="Share of a benchmark sentence's 5-grams in a row"
    )

    held_out_pairs: int = Field(default=2000, ge=1, description="Most pairs in validation, and in test")
    held_out_percent: float = Field(default=5, gt=0, le=25, description="The same as a share; the smaller counts")
    max_group_held_out: int = Field(default=100, ge=1, description="Larger groups are boilerplate and go to train")

    scorer: Scorer | None = None
    jsonl: bool = Field(default=False, description="Also <split>.jsonl, one object a pair")
    shard_pairs: int = Field(default=100_000, ge=1, description="Pairs a shard; changes no output")
    shard_bytes: int = Field(default=64 * 1024**2, ge=1024, description="Text bytes a shard; changes no output")

    @model_validator(mode="after")
    def _possible(self) -> PrepareOptions:
        unknown = [name for name in self.off if name not in RULES]
        if unknown:
            raise ValueError(f"unknown rule {', '.join(unknown)}; known: {', '.join(RULES)}")
        if self.min_characters > self.max_characters:
            raise ValueError("min_characters is over max_characters: every row would go")
        needed = [name for name in self.off if name in ALWAYS_ON]
        if needed:
            raise ValueError(f"{', '.join(needed)} cannot be switched off")
        return self

    def on(self, rule: str) -> bool:
        """True when a rule is asked."""
        if rule == "language" and not self.identify:
            return False
        if rule in ("near-duplicate", "held-out-copy") and not self.near_copies:
            return False
        if rule == "similarity" and self.scorer is None:
            return False
        return rule not in self.off

    def language(self, code: str) -> Language:
        """A language as these options describe it, else as the table does."""
        return {item.code: item for item in self.languages}.get(code) or language(code)


def read_options(text: str) -> PrepareOptions:
    """Options from JSON text; the empty text gives the defaults. Raises Refused with every problem at once."""
    try:
        return PrepareOptions.model_validate_json(text or "{}")
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'options'}: {item['msg']}" for item in error.errors()
        )
        raise Refused(f"the preparation's options are wrong: {problems}") from error
