"""Fetching a corpus of OPUS, from a server on this machine: whole, cut, changed, missing, or harmful."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shlex
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.errors import AsusuError, BadInput
from pipeline.staging import download
from pipeline.staging.opus import SOURCE, fetch_corpus
from pipeline.staging.opus_names import BASE_URL, OpusCorpus, parse_name

CORPUS = OpusCorpus("NLLB", "v1", ("en", "ig"))
PATH = "/OPUS-NLLB/v1/moses/en-ig.txt.zip"
README = b"Corpus Name: NLLB\n     License: <a href=https://opendatacommons.org/licenses/by/1-0/>ODC-By</a>\n"
ENGLISH = b"".join(b"The child eats yam number %d.\n" % number for number in range(3000))
IGBO = "".join(f"Nwa ahụ na-eri ji nke {number}.\n" for number in range(3000)).encode()


def zip_of(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


def sound(**more: bytes) -> bytes:
    """What OPUS serves: both sides, a README, and the scores that nobody asked for."""
    return zip_of(
        {
            "README": README,
            "LICENSE": b"some other words\n",
            "NLLB.en-ig.en": ENGLISH,
            "NLLB.en-ig.ig": IGBO,
            "NLLB.en-ig.scores": b"1.2\n" * 3000,
            **more,
        }
    )


@dataclass
class Server:
    """What the server gives, how it behaves, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    mark: str = '"one"'
    cuts: list[int] = field(default_factory=list)  # bytes after which the next answers end
    status: int = 0
    moved_to: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(dict(self.headers))
            body = state.files.get(self.path)
            if state.moved_to:
                self.send_response(302)
                self.send_header("Location", state.moved_to)
                self.end_headers()
                return
            if body is None or state.status:
                self.send_error(state.status or 404)
                return
            start, wanted = 0, self.headers.get("Range")
            current = self.headers.get("If-Range") == state.mark
            if wanted and state.ranges and current:
                start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])  # type: ignore[index]
                if start >= len(body):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(body) - start))
            self.send_header("ETag", state.mark)
            self.send_header("Last-Modified", formatdate(0, usegmt=True))
            self.end_headers()
            end = start + state.cuts.pop(0) if state.cuts else len(body)
            self.wfile.write(body[start:end])

        def log_message(self, *words: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    running.shutdown()
    running.server_close()


@pytest.fixture
def get(server: Server, tmp_path: Path) -> Callable[..., Path]:
    """Fetches from that server and gives the folder."""

    def fetch(**options: str) -> Path:
        _, folder = fetch_corpus(CORPUS, tmp_path / "corpora", base_url=server.url, pause=0.001, **options)  # type: ignore[arg-type]
        return folder

    return fetch


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_pair_is_named_alphabetically_and_the_files_in_the_order_asked_for():
    there, back = parse_name("opus:NLLB/v1", "en", "ig"), parse_name("opus:NLLB/v1", "ig", "en")
    assert there.url(BASE_URL) == back.url(BASE_URL) == f"https://object.pouta.csc.fi{PATH}"
    assert there.sides == ("NLLB.en-ig.en", "NLLB.en-ig.ig")
    assert back.sides == ("NLLB.en-ig.ig", "NLLB.en-ig.en")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("NLLB/v1", "en", "ig"), "opus:NLLB/v1"),
        (("opus:NLLB", "en", "ig"), "<release>"),
        (("opus:../x/v1", "en", "ig"), "<corpus>"),
        (("opus:NLLB/v1", "english", "ig"), "'english'"),
        (("opus:NLLB/v1", "en", "en"), "both languages"),
    ],
)
def test_a_name_that_opus_cannot_have_is_refused_before_any_connection(words, says):
    with pytest.raises(BadInput, match=re.escape(says)):
        parse_name(*words)


def test_a_fetch_leaves_both_sides_the_licence_and_where_it_came_from(server, get, tmp_path):
    server.files[PATH] = sound()
    folder = get()
    assert left_in(folder) == ["LICENSE", "NLLB.en-ig.en", "NLLB.en-ig.ig", "README", SOURCE]
    assert (folder / "NLLB.en-ig.en").read_bytes() == ENGLISH
    assert (folder / "NLLB.en-ig.ig").read_bytes() == IGBO
    written = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    assert written["sha256"] == hashlib.sha256(sound()).hexdigest()
    assert (written["url"], written["bytes"]) == (server.url + PATH, len(sound()))
    assert written["licence"] == "ODC-By"
    assert written["lines"] == {"NLLB.en-ig.en": 3000, "NLLB.en-ig.ig": 3000}
    assert left_in(tmp_path / "corpora") == ["NLLB-v1.en-ig", "known-sums.json"], "no archive, no lock, no partial file"


def test_what_is_whole_is_not_fetched_again_and_what_is_damaged_is(server, get):
    server.files[PATH] = sound()
    folder = get()
    get()
    assert len(server.asked) == 1
    (folder / "NLLB.en-ig.ig").write_bytes(b"half")
    get()
    assert len(server.asked) == 2
    assert (folder / "NLLB.en-ig.ig").read_bytes() == IGBO


def test_a_cut_connection_goes_on_where_it_stopped(server, get):
    server.files[PATH] = sound()
    server.cuts = [50_000, 40_000]
    assert (get() / "NLLB.en-ig.ig").read_bytes() == IGBO
    assert [asked.get("Range") for asked in server.asked] == [None, "bytes=50000-", "bytes=90000-"]


def test_a_later_call_goes_on_where_a_killed_one_stopped(server, get, tmp_path):
    server.files[PATH] = sound()
    server.cuts = [50_000] + [0] * (download.TRIES + 1)
    with pytest.raises(AsusuError, match="50,000 bytes are kept") as ended:
        get()
    assert "same command again" in ended.value.hint
    assert not (tmp_path / "corpora" / "NLLB-v1.en-ig").exists()
    server.cuts = []
    server.asked.clear()
    assert (get() / "NLLB.en-ig.en").read_bytes() == ENGLISH
    assert [asked.get("Range") for asked in server.asked] == ["bytes=50000-"]


def test_a_kill_after_the_last_byte_fetches_nothing_twice(server, get, tmp_path, monkeypatch):
    server.files[PATH] = sound()
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.staging.opus.unpack", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            get()
    assert (get() / "NLLB.en-ig.en").read_bytes() == ENGLISH
    assert server.asked[1]["Range"] == f"bytes={len(sound())}-"


def test_without_ranges_it_begins_anew(server, get):
    server.files[PATH] = sound()
    server.ranges, server.cuts = False, [50_000]
    assert (get() / "NLLB.en-ig.ig").read_bytes() == IGBO
    assert len(server.asked) == 2


def test_a_file_that_changed_between_two_connections_is_never_mixed(server, get):
    old, new = sound(), sound(README=b"License: new\n")
    server.files[PATH] = old
    server.cuts = [50_000] + [0] * (download.TRIES + 1)
    with pytest.raises(AsusuError):
        get()
    server.files[PATH], server.mark, server.cuts = new, '"two"', []
    folder = get()
    assert json.loads((folder / SOURCE).read_text())["sha256"] == hashlib.sha256(new).hexdigest()


def test_a_pinned_sum_that_differs_leaves_nothing(server, get, tmp_path):
    server.files[PATH] = sound()
    with pytest.raises(AsusuError, match="not 0000") as refused:
        get(sha256="0" * 64)
    assert hashlib.sha256(sound()).hexdigest() in str(refused.value)
    assert refused.value.exit_code == 1
    assert left_in(tmp_path / "corpora") == []
    assert get(sha256=hashlib.sha256(sound()).hexdigest().upper()).exists()


def test_a_sum_that_is_none_is_bad_input(get):
    with pytest.raises(BadInput, match="64 hex digits"):
        get(sha256="abc")


def test_a_later_fetch_that_differs_is_refused_until_its_sum_is_given(server, get):
    server.files[PATH] = sound()
    folder = get()
    (folder / "README").unlink()  # so that it is fetched again
    server.files[PATH], server.mark = sound(README=b"License: new\n"), '"two"'
    with pytest.raises(AsusuError, match="has changed") as refused:
        get()
    assert (folder / "NLLB.en-ig.en").exists(), "the earlier files stay"
    accepted = re.search(r"--sha256 (\w{64})", refused.value.hint)
    assert accepted
    get(sha256=accepted[1])
    (folder / "README").unlink()
    get()


def test_a_corpus_that_opus_does_not_have_says_what_to_look_up(server, get, tmp_path):
    with pytest.raises(AsusuError, match="no Moses files of NLLB, release v1, for en and ig") as missing:
        get()
    assert "https://opus.nlpl.eu/NLLB/en&ig/v1/NLLB" in missing.value.hint
    assert missing.value.exit_code == 1
    assert left_in(tmp_path / "corpora") == []


def test_a_server_that_refuses_is_named_with_its_answer(server, get):
    server.files[PATH], server.status = sound(), 403
    with pytest.raises(AsusuError, match="127.0.0.1 answered HTTP 403"):
        get()
    assert len(server.asked) == 1, "asking again would not help"


def test_a_server_that_is_busy_is_asked_again(server, get):
    server.files[PATH], server.status = sound(), 503
    with pytest.raises(AsusuError, match="cannot reach 127.0.0.1: HTTP 503"):
        get()
    assert len(server.asked) > 1


def test_without_a_network_there_is_one_clear_error(tmp_path):
    with pytest.raises(AsusuError, match="cannot reach 127.0.0.1: ") as ended:
        fetch_corpus(CORPUS, tmp_path, base_url="http://127.0.0.1:9", pause=0)
    assert ended.value.exit_code == 1
    for advice in ("HTTPS_PROXY", "asusu prepare --corpus"):
        assert advice in ended.value.hint
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("address", ["http://example.org", "ftp://example.org", "file:///etc/passwd"])
def test_only_https_is_fetched_from_even_after_a_redirect(server, get, tmp_path, address):
    with pytest.raises(BadInput, match="not an https address"):
        fetch_corpus(CORPUS, tmp_path, base_url=address)
    server.moved_to = f"{address}/x"
    with pytest.raises(AsusuError, match="not an https address|is not allowed"):
        get()
    assert left_in(tmp_path / "corpora") == []


def encrypted() -> bytes:
    """A sound archive whose directory calls every member encrypted."""
    content = bytearray(sound())
    place = 0
    while (place := content.find(b"PK\x01\x02", place)) >= 0:
        content[place + 8] |= 1
        place += 4
    return bytes(content)


def bomb() -> bytes:
    """A sound archive whose directory announces 900 TB for one side, by a ZIP64 field."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("NLLB.en-ig.ig", IGBO)
        file.writestr("NLLB.en-ig.en", ENGLISH)
        file.getinfo("NLLB.en-ig.en").file_size = 900 * 10**12
    return held.getvalue()


def flipped() -> bytes:
    """A sound archive with one changed letter inside a member."""
    content = bytearray(sound())
    content[content.find(b"number 1500")] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>404</html>" * 100, "no zip file at all"),
        (sound()[:-30], "no zip file at all"),
        (flipped(), "CRC"),
        (zip_of({"NLLB.en-ig.en": ENGLISH, "README": README}), "no NLLB.en-ig.ig; it holds: NLLB.en-ig.en, README"),
        (zip_of({"NLLB.en-ig.en": ENGLISH, "NLLB.en-ig.ig": b""}), "NLLB.en-ig.ig in the archive is empty"),
        (sound(**{"../../evil": b"x"}), "outside its folder, '../../evil'"),
        (sound(**{"/tmp/evil": b"x"}), "outside its folder"),  # noqa: S108
        (sound(**{"a\\..\\..\\evil": b"x"}), "outside its folder"),
        (encrypted(), "encrypted"),
        (bomb(), "900,000.0 GB"),
    ],
    ids=["html", "truncated", "flipped bit", "one side", "empty side", "dots", "root", "backslashes", "locked", "bomb"],
)
def test_an_archive_that_is_not_what_it_should_be_leaves_nothing(server, get, tmp_path, content, says):
    server.files[PATH] = content
    with pytest.raises(AsusuError, match=re.escape(says)):
        get()
    assert left_in(tmp_path / "corpora") == []
    assert not list(tmp_path.rglob("evil"))


def test_a_readme_that_states_no_licence_leaves_the_table_or_says_where_to_look(server, tmp_path):
    silent = {"README": b"License: empty\n"}
    for name, licence in (("NLLB", "ODC-By 1.0"), ("Unheard", "see README and LICENSE beside the files")):
        corpus = OpusCorpus(name, "v1", ("en", "ig"))
        sides = {f"{name}.en-ig.en": ENGLISH, f"{name}.en-ig.ig": IGBO}
        server.files[f"/OPUS-{name}/v1/moses/en-ig.txt.zip"] = zip_of(silent | sides)
        assert fetch_corpus(corpus, tmp_path, base_url=server.url)[0].licence == licence


def test_the_verb_says_what_came_and_what_to_type_next(server, tmp_path, monkeypatch, capsys):
    server.files[PATH] = sound()
    command = ["asusu", "corpus", "opus:NLLB/v1", "ig", "en", "--into", str(tmp_path), "--base-url", server.url]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    out = capsys.readouterr().out
    assert "NLLB v1, en-ig: 3,000 pairs" in out
    assert f"sha256:   {hashlib.sha256(sound()).hexdigest()}" in out
    assert "licence:  ODC-By" in out
    words = shlex.split(out.splitlines()[-1].partition("next:")[2])
    assert words[:3] == ["asusu", "prepare", "--corpus"]
    first, second = words[3].split(",")
    assert (Path(first).read_bytes(), Path(second).read_bytes()) == (IGBO, ENGLISH)
    assert words[4:8] == ["--licence", "ODC-By", "--languages", "ig,en"]
    monkeypatch.setattr(sys, "argv", [*command, "--json"])
    with pytest.raises(SystemExit):
        main()
    assert json.loads(capsys.readouterr().out)["lines"] == {"NLLB.en-ig.ig": 3000, "NLLB.en-ig.en": 3000}
