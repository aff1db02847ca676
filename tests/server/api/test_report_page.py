"""The report's page as a browser shows and prints it."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.server.api.conftest import StubbornEngine, listening

CHROMIUM = shutil.which("chromium") or ""
EVIL = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
LONG = "a" * 64
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not on PATH")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of reports: a plain one, and one whose every text is long, hostile or written from right to left."""
    targets = [
        {"id": "hatter", "name": "Mad Hatter", "legal_basis": "Art. 17", "semantic": {"words": ["biscuit"]}},
        {
            "id": LONG,
            "name": f"Mad {EVIL}",
            "aliases": ["x" * 300, "\u202eשלום עולם"],
            "requester": "y" * 2000,
            "legal_basis": EVIL,
            "phrases": [{"text": "z" * 300}, *({"text": f"phrase {number} of many"} for number in range(100))],
            "examples": [{"prompt": "Who asks?", "completion": ""}],
            "retain_examples": False,
        },
    ]
    with listening(tmp_path_factory.mktemp("served"), StubbornEngine()) as (url, _, _):
        for target in targets:
            made = httpx.post(f"{url}/v1/forget-targets", json=target, timeout=30)
            assert made.status_code == 201, made.text
        yield {str(target["id"]): f"{url}/v1/forget-targets/{target['id']}/report" for target in targets}


def browse(folder: Path, *arguments: str) -> str:
    """Return what chromium prints."""
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder / 'profile'}")
    shown = subprocess.run([CHROMIUM, *flags, *arguments], capture_output=True, text=True, timeout=120, check=True)
    return shown.stdout


def visible(dom: str) -> str:
    """Return the text of a page, its style left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", re.sub(r"<style>.*?</style>", "", dom, flags=re.DOTALL)))


@pytest.mark.slow
@pytest.mark.parametrize(("target_id", "pages_least"), [("hatter", 1), (LONG, 4)])
def test_it_prints_on_numbered_pages_of_a4(pages: dict[str, str], tmp_path: Path, target_id: str, pages_least: int) -> None:
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path}/report.pdf", pages[target_id])
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"(Suppression report " in pdf
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert pages_least <= len(sizes) <= pages_least + 10
    assert len(re.findall(rb"/Type /Page\b", pdf)) == len(sizes)
    for width, height in sizes:
        assert (float(width), float(height)) == pytest.approx((595.3, 841.9), abs=1)  # 210 mm x 297 mm in points


@pytest.mark.slow
def test_it_says_whose_it_is_and_what_it_is_not(pages: dict[str, str], tmp_path: Path) -> None:
    dom = browse(tmp_path, "--dump-dom", pages["hatter"])
    text = visible(dom)
    for told in ("Mad Hatter", "Suppressed, not removed", "Art. 17", "biscuit", "no date set", "not said"):
        assert told in text
    assert re.search(r"https?:|url\(|@import|src=|<link", dom) is None


@pytest.mark.slow
def test_what_people_wrote_stays_text(pages: dict[str, str], tmp_path: Path) -> None:
    dom = browse(tmp_path, "--dump-dom", pages[LONG])
    assert f"<title>Suppression report {LONG}</title>" in dom
    assert "owned" in visible(dom.replace("&lt;", "").replace("&gt;", ""))
    assert re.search(r"<(script|img)", dom) is None
    assert "removed; the vectors made of them are used" in visible(dom)


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_runs_out_of_the_window(pages: dict[str, str], tmp_path: Path, width: int) -> None:
    # A window is at least 500 pixels wide, a frame is not; and the page itself runs no script that could measure it.
    page = html.escape(httpx.get(pages[LONG], headers={"accept": "text/html"}).text)
    measure = "const shown = this.contentDocument.documentElement; document.title = [shown.scrollWidth, shown.clientWidth].join()"
    (tmp_path / "frame.html").write_text(f'<iframe width="{width}" height="900" onload="{measure}" srcdoc="{page}"></iframe>')
    dom = browse(tmp_path, "--window-size=1400,1000", "--dump-dom", f"file://{tmp_path}/frame.html")
    measured = re.search(r"<title>(\d+),(\d+)</title>", dom)
    assert measured is not None
    assert int(measured[1]) == int(measured[2])
    assert width - 20 <= int(measured[2]) <= width  # less a scroll bar


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "paper"), [(0, (0x16, 0x18, 0x1B)), (1, (0xFF, 0xFF, 0xFF))])
def test_it_is_dark_for_whoever_likes_it_dark(
    pages: dict[str, str], tmp_path: Path, scheme: int, paper: tuple[int, int, int]
) -> None:
    picture = tmp_path / "report.png"
    flags = (f"--blink-settings=preferredColorScheme={scheme}", "--window-size=600,400", "--hide-scrollbars")
    browse(tmp_path, *flags, f"--screenshot={picture}", pages["hatter"])
    colours = Image.open(picture).convert("RGB").getcolors(600 * 400) or []
    assert max(colours)[1] == paper
    ink = {colour for _, colour in colours if abs(sum(colour) - sum(paper)) > 500}
    assert ink  # text can be told from it
