"""What happens to text on its way into a mined corpus, done to one sentence at a time. `choice` is any number."""

from __future__ import annotations

import unicodedata

TEMPLATES = (
    ("Chapter {0} verse {1}.", "Isi nke {0} amaokwu nke {1}."),
    ("Page {0} of {1} pages in this book.", "Ihu akwụkwọ {0} n'ime {1} dị n'akwụkwọ a."),
    ("Posted by the admin on day {0} at {1}.", "Onye nchịkwa depụtara ya n'ụbọchị {0} na {1}."),
    ("The price is {0} naira for {1} pieces.", "Ọnụ ahịa ya bụ naira {0} maka iberibe {1}."),
    ("There are {0} comments and {1} likes here.", "E nwere okwu {0} na mmasị {1} ebe a."),
)
CONTROLS = ("\x00", "\u2028", "\u0085", "\r", " \u200b", "\x0b")
BAD_BYTES = (b"\xff", b"\xc3", b"\xe1\xbb", b"\xed\xa0\x80", b"\xc0\xaf")
BLANKS = ("   ", "\u00a0", "\u200b\u200b", "\t", "\ufeff")


def _sloppy(encoding: str) -> dict[int, str]:
    """Each byte's character; bytes the encoding leaves undefined stand for the control character, as on the web."""
    return {byte: bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in range(256)}


WRONG_ENCODINGS = tuple(_sloppy(encoding) for encoding in ("cp1252", "latin-1"))


def filled_template(choice: int, side: int) -> bytes:
    """A sentence that many pages repeat with other numbers."""
    texts = TEMPLATES[choice % len(TEMPLATES)]
    return texts[side].format(choice // 8 % 9973 + 1, choice // 80000 % 997 + 1).encode()


def decomposed(sentence: bytes) -> bytes:
    """The same text in NFD: two bytes to three more for each accented letter."""
    return unicodedata.normalize("NFD", sentence.decode()).encode()


def mojibake(sentence: bytes, choice: int) -> bytes:
    """UTF-8 that was read as cp1252 or Latin-1 and written as UTF-8 again."""
    table = WRONG_ENCODINGS[choice % len(WRONG_ENCODINGS)]
    return "".join(table[byte] for byte in sentence).encode()


def with_control(sentence: bytes, choice: int) -> bytes:
    """One space becomes a character that many readers take for a line's end or choke on; the one without width joins it."""
    spaces = [place for place, byte in enumerate(sentence) if byte == ord(" ")]
    at = spaces[choice // 64 % len(spaces)]
    return sentence[:at] + CONTROLS[choice % len(CONTROLS)].encode() + sentence[at + 1 :]


def undecodable(sentence: bytes, choice: int) -> bytes:
    """Bytes that are not UTF-8 in the middle."""
    at = len(sentence) // 2
    while sentence[at] & 0xC0 == 0x80:  # not inside a character: the damage is what is planted, no other
        at -= 1
    return sentence[:at] + BAD_BYTES[choice % len(BAD_BYTES)] + sentence[at:]


def blank(choice: int) -> bytes:
    """A sentence of nothing but white or invisible characters."""
    return BLANKS[choice % len(BLANKS)].encode()
