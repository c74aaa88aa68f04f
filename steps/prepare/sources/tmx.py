"""TMX, the XML of translation memories: streamed, with nothing kept but the unit that is being read.

Entities are not declared by translation memories, so a declaration is an attack and refused; a DOCTYPE that names a
file is usual and the file is never fetched. Format: TMX 1.4b specification, LISA OSCAR.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from steps.prepare.sources import streams
from steps.prepare.sources.refusal import Unreadable, some
from steps.prepare.sources.units import Units

FEED_BYTES = 1 << 20  # of the file between two tables


def read_tmx(path: Path, languages: tuple[str, str]) -> Iterator[pa.Table]:
    """Tables of `pairs.PAIRS`, one row a unit. A unit without one of the languages is malformed.

    Any encoding that the file declares is read. Raises Unreadable for XML that is malformed, with line and column,
    for entities and, at the end, when no unit had both languages.
    """
    units = Units(languages)
    parser = DefusedXMLParser(target=units)
    for block in streams.blocks(path):
        for start in range(0, len(block), FEED_BYTES):
            _feed(path, parser, block[start : start + FEED_BYTES])
            if units.rows:
                yield units.table()
    _feed(path, parser, None)
    if units.rows:
        yield units.table()
    if not units.found_both:
        problem = (
            f"has no unit with both {' and '.join(languages)}. Languages found: {some(sorted(units.languages_found))}"
            if units.languages_found
            else "holds no translation unit with a language"
        )
        raise Unreadable(path, problem, "give a TMX file of these two languages")


def _feed(path: Path, parser: DefusedXMLParser, piece: bytes | None) -> None:
    """Parse a piece; None is the end of the file."""
    try:
        if piece is None:
            parser.close()
        else:
            parser.feed(piece)
    except DefusedXmlException as error:
        raise Unreadable(
            path,
            f"declares an entity or refers to one ({type(error).__name__}), which can blow up or fetch files",
            "remove the declarations from its DOCTYPE; translation memories need none",
        ) from error
    except ParseError as error:
        line, column = error.position
        raise Unreadable(
            path,
            f"is no well-formed XML at line {line:,}, column {column + 1:,}: {str(error).rsplit(':', 1)[0]}",
            "look at that place, or export the file again",
        ) from error
    except (LookupError, ValueError) as error:  # an encoding that the parser cannot read
        raise Unreadable(path, f"cannot be decoded: {error}", "convert it to UTF-8 and correct line 1") from error
