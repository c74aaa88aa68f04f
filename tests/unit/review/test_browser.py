"""The dossier in a real browser: it loads, is silent, asks the network for nothing, and fits a narrow screen."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.review.files import RunFiles
from pipeline.review.report import render
from tests.unit.review.conftest import HOSTILE, PACKAGE, save_undecided

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (  # what a browser would do for itself
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-sync", "--disable-domain-reliability",
    "--disable-extensions", "--disable-features=OptimizationHints,MediaRouter,Translate", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing leaves this machine
)  # fmt: skip
LIGHT, DARK = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"
SECONDS = 180
BY_ITSELF = "not an origin"  # the initiator of a request that no page made
ASKED = "https://evil.example/x.png"
PROBE = """<script>
const wide = [...document.querySelectorAll("body *")].filter(part =>
  !part.closest("svg") && !part.closest(".scroll") && part.getBoundingClientRect().right > innerWidth + 1);
const style = getComputedStyle(document.body);
const ground = part => {  // the colour that stands behind an element
  for (let at = part; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour !== "rgba(0, 0, 0, 0)") return colour;
  }
  return "rgb(255, 255, 255)";
};
const seen = {};
for (const part of document.querySelectorAll("body *")) {
  const own = [...part.childNodes].filter(node => node.nodeType === 3 && node.textContent.trim());
  if (!own.length || part.closest("script, style")) continue;
  const style = getComputedStyle(part), inPicture = part.closest("svg");
  seen[`${inPicture ? style.fill : style.color} on ${ground(part)}`] ??= part.outerHTML.slice(0, 120);
}
document.documentElement.dataset.found = JSON.stringify({
  width: document.documentElement.scrollWidth, screen: innerWidth, wide: wide.map(part => part.outerHTML.slice(0, 200)),
  ink: style.color, page: style.backgroundColor, pairs: seen,
});
console.log("probed");
</script>"""


@dataclass(frozen=True)
class Browser:
    """A headless browser with a profile of its own."""

    program: str
    folder: Path

    def run(self, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
        profile = f"--user-data-dir={self.folder / 'profile'}"
        command = [self.program, *QUIET, profile, *options, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)

    def load(self, page: Path) -> tuple[str, list[str], set[str]]:
        """The page's elements as the browser has them, what its console said, and every address the page asked for."""
        log = self.folder / "net.json"
        ended = self.run(
            page,
            "--dump-dom",
            "--virtual-time-budget=2000",
            "--enable-logging=stderr",
            f"--log-net-log={log}",
            "--net-log-capture-mode=Everything",
        )
        console = [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]
        return ended.stdout, console, {url for url in requests(log) if not url.startswith(("file:", "data:"))}

    def probe(self, page: Path, *options: str) -> dict[str, object]:
        """What a script finds in a copy of the page whose policy lets it run."""
        copy = self.folder / "probed.html"
        source = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
        copy.write_text(source.replace("</body>", PROBE + "</body>"), encoding="utf-8")
        found = re.search(r'data-found="([^"]*)"', self.run(copy, "--dump-dom", *options).stdout)
        assert found, "the probe did not run"
        facts: dict[str, object] = json.loads(found[1].replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">"))
        return facts


def requests(log: Path) -> set[str]:
    """Addresses of the requests that pages made, from the browser's own log of its network."""
    recorded = json.loads(log.read_text(encoding="utf-8"))
    start = recorded["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    made = [event["params"] for event in recorded["events"] if event["type"] == start and "params" in event]
    return {str(request["url"]) for request in made if request.get("initiator", BY_ITSELF) != BY_ITSELF}


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)")
    return Browser(program, tmp_path)


@pytest.fixture
def page(dossier: RunFiles, tmp_path: Path) -> Path:
    """A dossier with hostile and endless text in its samples, its data and its registry entry."""
    package = replace(
        PACKAGE, status="rejected", decided="today", who=HOSTILE, reason="x" * 1000, metadata={HOSTILE: "y" * 256}
    )
    path = tmp_path / "dossier.html"
    render(replace(dossier, package=package, provenance={"z" * 300: HOSTILE}, commands=[("approve", "w" * 500)]), path)
    return path


def test_the_dossier_loads_without_a_word_in_the_console_and_asks_for_nothing(browser: Browser, page: Path) -> None:
    dom, console, asked = browser.load(page)
    assert "Ọ na-ere ji n’ahịa." in dom
    assert "Ụ̀lọ̀ ákwụ́kwọ́ ḿmádụ̀" in dom
    assert "<script" not in dom
    assert "<img" not in dom
    assert console == []
    assert asked == set()


def test_the_watch_sees_a_request_a_script_and_a_complaint(browser: Browser, page: Path) -> None:
    """The test of the test above: a page that does ask and does speak is caught."""
    page.write_text(f"<!doctype html><img src={ASKED}><script>console.log('spoke')</script>", encoding="utf-8")
    _, console, asked = browser.load(page)
    assert any("spoke" in line for line in console)
    assert asked == {ASKED}


@pytest.mark.parametrize("width", [500, 768, 1280])
def test_nothing_reaches_over_the_edge_of_the_screen(browser: Browser, page: Path, width: int) -> None:
    found = browser.probe(page, f"--window-size={width},1200")
    assert found["screen"] == width
    assert found["wide"] == []
    assert found["width"] == width


def test_light_and_dark_have_colours_that_can_be_read(browser: Browser, page: Path) -> None:
    for scheme, dark in ((LIGHT, False), (DARK, True)):
        found = browser.probe(page, scheme)
        ink, ground = (luminance(str(found[name])) for name in ("ink", "page"))
        assert (ink > ground) == dark
        assert contrast(ink, ground) > 7, "WCAG 2 AAA"


@pytest.mark.parametrize("verdict", ["passed", "refused", "unfinished"])
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(
    browser: Browser, dossier: RunFiles, gathered: Path, tmp_path: Path, verdict: str, scheme: str
) -> None:
    """Verdicts, notes, links, letters in pictures: each in its own colour on its own ground."""
    why = "champion rule not decided: nothing to compare with"
    save_undecided(gathered, why, "refused" if verdict == "refused" else "passed")
    files = (
        replace(dossier, failure="CanaryTrain: no memory", canary_resume=None) if verdict == "unfinished" else dossier
    )
    render(files, tmp_path / "dossier.html")
    pairs = browser.probe(tmp_path / "dossier.html", scheme)["pairs"]
    assert isinstance(pairs, dict)
    assert len(pairs) >= 6, "ink, faint, good, open, link and header at least"
    faint = {pair: part for pair, part in pairs.items() if contrast(*map(luminance, pair.split(" on "))) < 4.5}
    assert faint == {}, "WCAG 2 AA"


def test_the_probe_sees_a_text_too_faint_to_read(browser: Browser, tmp_path: Path) -> None:
    """The test of the test above."""
    page = tmp_path / "faint.html"
    page.write_text('<!doctype html><html><body style="background:#fff"><p style="color:#999">x</p></body></html>')
    assert browser.probe(page)["pairs"] == {"rgb(153, 153, 153) on rgb(255, 255, 255)": '<p style="color:#999">x</p>'}
    assert contrast(luminance("rgb(153, 153, 153)"), luminance("rgb(255, 255, 255)")) == pytest.approx(2.85, abs=0.01)


def test_a_picture_of_the_page_is_taken(browser: Browser, page: Path, tmp_path: Path) -> None:
    browser.run(page, "--window-size=500,900", f"--screenshot={tmp_path / 'page.png'}")
    header = (tmp_path / "page.png").read_bytes()[:24]
    assert struct.unpack(">II", header[16:24]) == (500, 900)


def contrast(one: float, other: float) -> float:
    """Contrast ratio of two luminances, as WCAG 2 defines it."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
