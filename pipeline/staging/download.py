"""Fetches one large file over HTTPS into a `.part` file, so that a cut connection or a kill costs nothing that came.

Only the standard library is used. A second call goes on where the first stopped, if the server still has the same file
(`If-Range` with its ETag or date, RFC 9110 section 13.1.5) and takes ranges; else it begins anew.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import AsusuError, BadInput
from steps.job import write_json

PIECE = 1 << 18  # bytes read at once
TRIES = 6  # connections in a row that bring nothing new
FIRST_PAUSE = 1.0  # seconds before the second of them; doubles each time
SILENCE = 60.0  # seconds without a byte after which a connection counts as cut
LOOPBACK = ("127.0.0.1", "localhost", "::1")
CUT = (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError, urllib.error.URLError)

Progress = Callable[[int, int, str], None]


class NotThere(AsusuError):
    """The server says that it has no such file."""


def fetch(url: str, part: Path, report: Progress, *, pause: float = FIRST_PAUSE) -> None:
    """Bring the file at `url` whole into `part`, going on behind the bytes that are there already.

    `report` is told bytes done and in all. Raises NotThere for 404 and 410, BadInput for an address that is not HTTPS,
    AsusuError for everything else that ends a fetch; what came until then stays in `part`.
    """
    refuse_insecure(url)
    failures = 0
    while True:
        before = size_of(part)
        try:
            if _fetch_once(url, part, report):
                return
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            _raise_for_status(url, error)
            reason = f"HTTP {error.code} {error.reason}"
        except CUT as error:
            reason = _reason(error)
        failures = 1 if size_of(part) > before else failures + 1
        if failures >= TRIES or (failures > 1 and not part.exists()):
            raise _gave_up(url, part, reason)
        time.sleep(pause * 2 ** (failures - 1))


def refuse_insecure(url: str) -> None:
    """Raises BadInput unless the address is HTTPS, or of this very machine."""
    address = urlsplit(url)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK):
        raise BadInput(f"{url} is not an https address", hint="only https is fetched from")


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never away from HTTPS."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        refuse_insecure(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> urllib.request.OpenerDirector:
    # A proxy of the environment is for the outside, never for this machine.
    proxies = urllib.request.ProxyHandler({} if urlsplit(url).hostname in LOOPBACK else None)
    return urllib.request.build_opener(_SecureRedirects, proxies)


def _fetch_once(url: str, part: Path, report: Progress) -> bool:
    """One connection. True when `part` is whole after it."""
    have, known = size_of(part), _read_marks(part)
    headers = {"User-Agent": "asusu", "Accept-Encoding": "identity"}
    if have and known.get("url") == url and known.get("mark"):
        headers |= {"Range": f"bytes={have}-", "If-Range": known["mark"]}
    else:
        have = 0
    try:
        response = _opener(url).open(urllib.request.Request(url, headers=headers), timeout=SILENCE)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if have == known.get("bytes"):
            return True
        part.unlink()  # it is longer than the file: not ours
        return False
    with response:
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            total = _total(response.headers.get("Content-Range", ""), have)
        else:  # the whole file: no ranges here, or the file has changed
            have, total = 0, int(response.headers.get("Content-Length") or 0)
        strong = response.headers.get("ETag", "")
        mark = strong if strong and not strong.startswith("W/") else response.headers.get("Last-Modified", "")
        write_json(_marks(part), {"url": url, "mark": mark, "bytes": total})
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            file.truncate()
            report(have, total, "bytes")
            while piece := response.read(PIECE):
                file.write(piece)
                have += len(piece)
                report(have, total, "bytes")
    if total and have > total:
        raise http.client.HTTPException(f"{have:,} bytes came and {total:,} were announced")
    return have == total if total else True


def _total(content_range: str, have: int) -> int:
    """Size of the whole file from `bytes 100-199/200`. Raises HTTPException where the range is not the one asked for."""
    unit, _, rest = content_range.partition(" ")
    span, _, total = rest.partition("/")
    if unit != "bytes" or span.partition("-")[0] != str(have) or not total.isdigit():
        raise http.client.HTTPException(f"asked for bytes from {have}, the server answered {content_range!r}")
    return int(total)


def _marks(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_marks(part: Path) -> dict[str, Any]:
    try:
        value = json.loads(_marks(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _raise_for_status(url: str, error: urllib.error.HTTPError) -> None:
    if error.code in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
        raise NotThere(f"there is nothing at {url} (HTTP {error.code})") from error
    if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR and error.code != http.HTTPStatus.TOO_MANY_REQUESTS:
        raise AsusuError(
            f"{urlsplit(url).hostname} answered HTTP {error.code} {error.reason} for {url}",
            hint="open the address in a browser; a proxy or a firewall may be in the way",
        ) from error


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, http.client.IncompleteRead):
        return "the connection ended early"
    return str(inner) or type(inner).__name__


def _gave_up(url: str, part: Path, reason: str) -> AsusuError:
    have = size_of(part)
    if have:
        return AsusuError(
            f"the connection to {urlsplit(url).hostname} keeps breaking: {reason}. {have:,} bytes are kept in {part}",
            hint="run the same command again when the network is better; it goes on from there",
        )
    return AsusuError(
        f"cannot reach {urlsplit(url).hostname}: {reason}",
        hint="check the network; behind a proxy set HTTPS_PROXY. Without a network, fetch"
        f" {url} elsewhere and give the unpacked pair to `asusu prepare --corpus file,file`",
    )
