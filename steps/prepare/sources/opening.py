"""Opens a published corpus: its manifest, and whether its files are the ones that were published."""

from __future__ import annotations

from pathlib import Path

from steps import contract, sums
from steps.contract import CorpusManifest
from steps.job import Refused


def open_corpus(folder: Path, languages: tuple[str, str]) -> CorpusManifest:
    """The manifest of a corpus whose files are whole. Raises Refused for damage or for other languages."""
    manifest = contract.load(folder / contract.MANIFEST, CorpusManifest)
    if set(manifest.languages) != set(languages):
        raise Refused(f"the corpus holds {'-'.join(manifest.languages)}, this pipeline needs {'-'.join(languages)}")
    problems = sums.damaged_files(folder, manifest.files)
    known = {entry.path for entry in manifest.files}
    sources = [*manifest.sources, *manifest.benchmarks]
    for source in sources:
        problems += [f"{path} has no sum in the manifest" for path in source.paths if path not in known]
        expected = 2 if source.format == "moses" else 1
        if len(source.paths) != expected:
            problems.append(f"source {source.name} lists {len(source.paths)} files instead of {expected}")
    names = [source.name for source in sources]
    problems += [f"source name {name} is used twice" for name in sorted(set(names)) if names.count(name) > 1]
    if problems:
        raise Refused(f"the published corpus is damaged: {'; '.join(problems)}. Publish it again.")
    return manifest
