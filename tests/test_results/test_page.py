import shutil
from pathlib import Path

import pytest
from results_of import by_seed

from mmreviewkd.errors import UsageError
from mmreviewkd.results.file import write_results
from mmreviewkd.results.page import write_results_page
from mmreviewkd.results.results import Results

DOCS = Path(__file__).resolve().parents[2] / 'docs' / 'results'
ABOUT = dict(
    command='compare.py bccd',
    device='CPU (2 threads)',
    data=dict(name='bccd', images=[291, 73]),
    epochs=dict(teacher=12, student=8),
    versions=dict(torch='2.6', mmdet='3.3'),
    note='On a slow machine.',
)


def write(path, about, **methods):
    runs = dict(teacher=by_seed(0.5), student=by_seed(0.3, 0.32), **methods)
    write_results(Results(runs, one_teacher=True), path, about)
    return path


def test_page(tmp_path):
    file = write(tmp_path / 'bccd.json', ABOUT, a=by_seed(0.4, 0.42))
    written = write_results_page(file)
    assert written == [tmp_path / 'bccd.md', tmp_path / 'bccd.png']
    assert all(path.is_file() for path in written)
    text = written[0].read_text()
    for line in (
        '# bccd',
        '- Data: bccd, 291 + 73 images.',
        '- Epochs: teacher 12, student 8.',
        '- Device: CPU (2 threads).',
        '- Command: `compare.py bccd`.',
        '- Versions: torch 2.6, mmdet 3.3.',
        '- On a slow machine.',
        '![Gains, best above](bccd.png)',
    ):
        assert line in text.splitlines()
    assert '+10.0 [+9.6, +10.4]' in text


def test_a_teacher_that_was_given_has_no_epochs(tmp_path):
    about = dict(epochs=dict(teacher=0, student=8))
    (page,) = write_results_page(write(tmp_path / 'given.json', about))
    assert '- Epochs: teacher trained before, student 8.' in page.read_text()


def test_page_of_little(tmp_path):
    written = write_results_page(write(tmp_path / 'none.json', {}))
    assert written == [tmp_path / 'none.md']
    assert '![' not in written[0].read_text()


def test_many_classes_are_on_the_page(tmp_path):
    student = by_seed(0.3)
    student[0]['class_ap'] = dict(box={f'class {n}': float(n) for n in range(30)})
    results = Results(dict(teacher=by_seed(0.5), student=student))
    write_results(results, tmp_path / 'many.json', {})
    (page,) = write_results_page(tmp_path / 'many.json')
    assert '| class 29 ' in page.read_text()


def test_other_file(tmp_path):
    with pytest.raises(UsageError, match='cannot be read'):
        write_results_page(tmp_path / 'none.json')


@pytest.mark.parametrize(
    'path', sorted(DOCS.glob('*.json')), ids=lambda path: path.stem
)
def test_pages_of_the_docs_are_those_of_their_data(path, tmp_path):
    """After a change: python tools/tables.py docs/results/*.json"""
    copy = shutil.copy(path, tmp_path)
    page = write_results_page(copy)[0]
    assert page.read_text() == path.with_suffix('.md').read_text()
