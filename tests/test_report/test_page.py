import re
import runpy
from html.parser import HTMLParser
from pathlib import Path

import cv2
import pytest
from work_dirs import step, write_session

from mmreviewkd import pages

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'report.py'


class Page(HTMLParser):
    """Text of a page, and what it refers to."""

    def __init__(self, path):
        super().__init__()
        self.text, self.links = '', []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.links += [value for key, value in attrs if key in ('src', 'href')]


def report(monkeypatch, *args):
    monkeypatch.setattr('sys.argv', ['report.py', *map(str, args)])
    try:
        runpy.run_path(str(TOOL), run_name='__main__')
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture
def folder(tmp_path):
    for name, lr, ap in (('student', 0.1, 0.25), ('distilled', 0.2, 0.375)):
        write_session(
            tmp_path / name,
            '20260101_000000',
            [
                step(10, loss=2.0, time=0.3, memory=700),
                step(20, loss=1.0, time=0.5, memory=900),
                {'coco/bbox_mAP': ap, 'step': 1},
            ],
            config=f"lr = {lr}\nname = '<b>'\npath = 'runs/{name}/{'x' * 80}'\n",
            log='    PyTorch: 9.9.9\n',
        )
    return tmp_path


def test_page_and_pictures(folder, monkeypatch, capsys):
    assert report(monkeypatch, folder / 'student', folder / 'distilled') == 0
    out = folder / 'student' / 'report'
    assert capsys.readouterr().out.strip() == str(out / 'report.html')
    for name in ('losses', 'ap', 'cost'):
        assert cv2.imread(str(out / f'{name}.png')).shape[0] > 300

    page = Page(out / 'report.html')
    for text in ('37.5', '(points of 100)', '900', '0.400', 'PyTorch', '9.9.9'):
        assert text in page.text
    # Only what differs.
    assert '0.375' not in page.text
    assert 'path' in page.text and '<b>' not in page.text
    # All it needs is within it.
    kinds = [re.match(r'#|data:image/png;base64,.{1000}', link) for link in page.links]
    assert len(kinds) > 5 and all(kinds)


def test_training_that_has_not_logged_yet(folder, monkeypatch):
    write_session(folder / 'new', '20260101_000000', [])
    assert report(monkeypatch, folder / 'new', '--out-dir', folder / 'out') == 0
    assert 'new' in Page(folder / 'out' / 'report.html').text


def test_folder_without_a_training(tmp_path, monkeypatch, capsys):
    assert report(monkeypatch, tmp_path) == 2
    assert 'holds no log of a training' in capsys.readouterr().err


def test_pages_fit_a_phone():
    """Nothing is wider than the screen: what may be scrolls by itself."""
    folder = Path(pages.__file__).parent
    base = (folder / 'base.html').read_text()
    assert 'name="viewport" content="width=device-width' in base
    for path in folder.glob('*.html'):
        text = path.read_text()
        for tag in ('<table', '<img class="large"'):
            for before in text.split(tag)[:-1]:
                assert before.rstrip().endswith('<div class="wide">'), path
