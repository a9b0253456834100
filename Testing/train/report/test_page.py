import builtins
import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image

from dualssl.errors import DualSSLError, OutputError
from dualssl.evaluation.evaluate import Evaluation
from dualssl.metrics.calibration import Reliability
from dualssl.report import Command, save_pictures, write_report
from dualssl.report.markup import Cell, Row, figure, table, text
from dualssl.report.page import summary
from dualssl.report.pictures import Picture
from dualssl.report.tables import UNKNOWN, duration

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Document(HTMLParser):
    """Reads a page strictly: every element must be closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="session")
def the_report(two_runs_on_three_phantoms, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "new folder" / "report.html"
    story = two_runs_on_three_phantoms
    write_report(path, "Phantoms & two runs", story.runs, story.cases, {"seed": 7, "labelled": ["a", "b"]})
    return path


@pytest.fixture(scope="session")
def its_html(the_report):
    return the_report.read_text(encoding="utf-8")


@pytest.fixture
def hostile_story(two_runs_on_three_phantoms):
    """Runs, cases, settings whose names are markup, formulas and more than a line long."""
    story = two_runs_on_three_phantoms
    evaluation = Evaluation(tuple(replace(case, name=f"<b>x{n}") for n, case in enumerate(story.runs[0].evaluation.cases)))
    run = replace(story.runs[0], name='"><script>$\\frac{</script>', preset="<i>p", evaluation=evaluation)
    other = replace(story.runs[1], name="_" + "long " * 40)
    return replace(story, runs=[run, other], cases=[replace(story.cases[0], name="<b>x", run=run.name)])


def test_the_page_is_well_formed_and_says_its_language_and_title(its_html):
    document = Document(its_html)
    assert its_html.startswith("<!DOCTYPE html>")
    assert document.all("html") == [{"lang": "en"}]
    assert "<title>Phantoms &amp; two runs</title>" in its_html
    assert len(document.all("h1")) == 1


def test_the_page_refers_to_nothing_outside_itself(its_html):
    document = Document(its_html)
    # Base64 holds no colon, so this finds every address and nothing in the pictures.
    assert "://" not in its_html
    assert "url(" not in its_html
    assert not document.all("script")
    assert not document.all("link")
    sources = [a.get("src") or a.get("href") for _, a in document.elements if "src" in a or "href" in a]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_every_picture_decodes_is_of_readable_size_and_has_an_alternative_text(its_html):
    pictures = Document(its_html).all("img")
    # learning, dice, two cases, and for each of two runs review and reliability
    assert len(pictures) == 2 + 2 + 2 * 2
    alternatives = [picture["alt"] for picture in pictures]
    assert all(len(alternative) > 30 for alternative in alternatives)
    assert len(set(alternatives)) == len(alternatives)
    for picture in pictures:
        image = Image.open(BytesIO(b64decode(picture["src"].split(",")[1])))
        image.load()
        assert image.width > 300
        assert image.height > 200
        assert abs(image.width / image.height - int(picture["width"]) / int(picture["height"])) < 0.03


def test_each_run_has_its_figures_in_the_table_and_its_own_pictures(its_html, two_runs_on_three_phantoms):
    document = Document(its_html)
    for run in two_runs_on_three_phantoms.runs:
        mean = run.evaluation.mean()
        row = f"{run.name} {100 * mean.dice:.2f} {mean.hd95:.2f} {mean.assd:.2f}"
        a, b = run.evaluation.mean("network_a"), run.evaluation.mean("network_b")
        row += f" network A alone {100 * a.dice:.2f} {a.hd95:.2f} {a.assd:.2f}"
        row += f" network B alone {100 * b.dice:.2f} {b.hd95:.2f} {b.assd:.2f}"
        assert row in _spaced(its_html)
        assert sum(picture["alt"].startswith(f"{run.name}:") for picture in document.all("img")) == 2
        assert run.manifest.id in document.text
        assert "1 min 15 s" in document.text


def _spaced(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_best_mean_stands_out(its_html, two_runs_on_three_phantoms):
    best = max(run.evaluation.mean().dice for run in two_runs_on_three_phantoms.runs)
    assert f'<td class="number best">{100 * best:.2f}</td>' in its_html


def test_every_table_has_a_caption_and_headings(its_html):
    document = Document(its_html)
    assert len(document.all("table")) == len(document.all("caption")) == 6
    assert all(heading["scope"] in ("col", "row") for heading in document.all("th"))


def test_settings_structures_and_commands_are_there(its_html):
    words = _spaced(its_html)
    assert "seed 7" in words
    assert "Segmented by “strong”." in words
    assert "labelled a, b" in words
    assert "Run chamber wall" in words
    assert "dualssl predict RUN/model IMAGE.nrrd --output RESULTS" in words


def test_names_are_text_whatever_they_hold(hostile_story, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, "<u>T", hostile_story.runs, hostile_story.cases, {"<s>": "</td>"}, [Command("<em>", "a < b && c")])
    html = path.read_text(encoding="utf-8")
    document = Document(html)
    assert not {"b", "script", "i", "u", "s", "em"} & {tag for tag, _ in document.elements}
    for name in ("<b>x", "<u>T", "<s>", "</td>", "<i>p", "a < b && c", hostile_story.runs[0].name):
        assert name in "".join(document.words)
    assert any("<b>x" in picture["alt"] for picture in document.all("img"))


def test_an_attribute_cannot_be_left_by_a_quotation_mark():
    picture = Picture("stem", b"", 'a" onload="x', "caption", (1, 1))
    assert Document(figure(picture)).all("img")[0]["alt"] == 'a" onload="x'


def test_text_that_utf8_cannot_hold_is_replaced():
    assert text("a\ud800b").encode("utf-8") == b"a?b"


def test_a_column_is_set_to_the_right_only_if_all_of_it_are_numbers():
    rows = [Row("a", (Cell("1", number=True), Cell("x"))), Row("b", (Cell("2", number=True), Cell("3", number=True)))]
    headings = Document(table("c", ("n", "numbers", "mixed"), rows)).all("th")
    assert [heading.get("class") for heading in headings[:3]] == [None, "number", None]


def test_a_single_run_without_records_confidence_cases_or_settings_has_a_report(two_runs_on_three_phantoms, tmp_path):
    run = two_runs_on_three_phantoms.runs[0]
    unknown = Evaluation(tuple(replace(case, reliability=Reliability()) for case in run.evaluation.cases[:1]))
    write_report(tmp_path / "r.html", "t", [replace(run, records=[], evaluation=unknown)], [], {}, [])
    document = Document((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert len(document.all("img")) == 3
    assert "Example cases" not in document.text
    assert "How to go on" not in document.text
    assert "On 1 case not used" in document.text


def test_records_that_hold_no_number_are_left_out(two_runs_on_three_phantoms, tmp_path):
    odd = [
        {"iteration": 1, "kind": "train", "loss": float("nan")},
        {"iteration": 2, "kind": "validation", "dice": None},
        {"iteration": 3, "kind": "note"},
    ]
    run = replace(two_runs_on_three_phantoms.runs[0], records=odd)
    save_pictures(tmp_path, [run], [])
    assert (tmp_path / "learning.png").is_file()


def test_the_summary_names_the_best_run_and_its_gain(two_runs_on_three_phantoms):
    first, second = two_runs_on_three_phantoms.runs
    gain = 100 * (second.evaluation.mean().dice - first.evaluation.mean().dice)
    assert gain > 0
    assert f"“strong” reaches a mean Dice of {100 * second.evaluation.mean().dice:.2f} %, {gain:.2f} points more" in summary(
        [first, second]
    )
    assert "no other run reaches more" in summary([second, first])


def test_a_report_of_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one run"):
        write_report(tmp_path / "r.html", "t", [], [], {})
    assert not list(tmp_path.iterdir())


def test_a_report_that_cannot_be_written_leaves_the_old_one(two_runs_on_three_phantoms, tmp_path):
    path = tmp_path / "report.html"
    path.mkdir()
    (path / "kept").write_text("x")
    with pytest.raises(OutputError):
        write_report(path, "t", two_runs_on_three_phantoms.runs[:1], [], {})
    assert [p.name for p in tmp_path.rglob("*")] == ["report.html", "kept"]


def test_pictures_are_saved_small_under_names_made_of_the_runs(two_runs_on_three_phantoms, tmp_path):
    story = two_runs_on_three_phantoms
    runs = [replace(story.runs[0], name="Strong / 2"), replace(story.runs[1], name="strong_2")]
    paths = save_pictures(tmp_path / "Docs" / "pictures", runs, story.cases[:1])
    assert [path.name for path in paths] == [
        "learning.png",
        "dice.png",
        "case_1.png",
        "review_strong_2.png",
        "review_strong_2_2.png",
        "reliability_strong_2.png",
        "reliability_strong_2_2.png",
    ]
    for path in paths:
        assert 3_000 < path.stat().st_size < 150_000
        with Image.open(path) as image:
            image.load()


def test_without_matplotlib_drawing_says_what_to_install(two_runs_on_three_phantoms, tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DualSSLError, match=r"pip install 'dualssl\[report\]'"):
        write_report(tmp_path / "r.html", "t", two_runs_on_three_phantoms.runs, [], {})
    assert not list(tmp_path.iterdir())


def test_the_package_imports_without_matplotlib_and_torch():
    code = "import sys; sys.modules.update(matplotlib=None, PIL=None); import dualssl.report; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, UNKNOWN), (0.3, "under 1 s"), (59.4, "59 s"), (725, "12 min 5 s"), (12000, "3 h 20 min")]
)
def test_times_are_for_people(seconds, words):
    assert duration(seconds) == words
