"""The whole job on a set whose names hold what names should not."""

import json

import cv2
import pytest
from coco_sets import change, write_coco
from runs import JOB_OPTIONS

from mmreviewkd.data_folders import DataError, open_folder
from mmreviewkd.job import JobError, run_job

CLASSES = (
    'line\nbreak',
    '\x1b[31mred\x1b[0m',
    '\u202eturned',
    'a|b',
    r'$\frac{_$ \unknown',
    '_under',
    '../../up',
    '%s 100%',
    'long ' * 400,
    '数字',
    '🦀',
    '{{fileDirname}}',
    'it\'s "quoted"',
    '\ud800',  # Half a character, which JSON can hold and UTF-8 cannot.
)
FOLDER = '-it\'s a "set" 100% {} $x$ größe 数据'
OPTIONS = JOB_OPTIONS | {'train_cfg.max_epochs': 1}
IMAGES = ('-50% größe 数.png', 'it\'s "quoted" #1?.png')


@pytest.fixture
def folder(tmp_path):
    # The first class has no instance, which is noted.
    labels = range(1, len(CLASSES))
    root = write_coco(tmp_path / FOLDER, names=CLASSES, labels=labels)
    for number, split in enumerate(('train', 'val')):

        def rename(coco, number=number):
            for image, name in zip(coco['images'], IMAGES, strict=True):
                name = f'{number}{name}'
                (root / 'images' / image['file_name']).rename(root / 'images' / name)
                image['file_name'] = name

        change(root, rename, split)
    return root


@pytest.mark.usefixtures('brief')
def test_job(folder, configs, tmp_path, monkeypatch, capsys):
    def job(**args):
        run_job(configs, folder, options=OPTIONS, **args)
        said = capsys.readouterr()
        assert all(line.isprintable() for line in said.out.splitlines())
        return said

    monkeypatch.chdir(tmp_path)
    said = job()
    assert r'has no instance of line\nbreak' in said.out
    assert 'Glyph' not in said.err
    work_dir = tmp_path / 'work_dirs' / FOLDER
    table = (work_dir / 'table.md').read_text()
    rows = [line for line in table.splitlines() if line.startswith('|')]
    # Accuracy, costs, and the AP of the classes.
    assert len(rows) == 5 + 5 + 2 + len(CLASSES)
    assert all(map(str.isprintable, rows))
    for part in table.split('\n\n'):
        lines = [line.replace(r'\|', '') for line in part.splitlines() if line in rows]
        assert len({line.count('|') for line in lines}) <= 1
    data = json.loads((work_dir / 'results.json').read_text())
    assert set(data['runs']) == {'teacher', 'student', 'distilled'}
    for plot in ('ap_over_epochs.png', 'predictions.png'):
        height, width, _ = cv2.imread(str(work_dir / plot)).shape
        assert max(height, width) < 5000
    # All of it is in there.
    assert {path.name for path in tmp_path.iterdir()} == {FOLDER, 'work_dirs'}
    assert [path.name for path in (tmp_path / 'work_dirs').iterdir()] == [FOLDER]

    # The settings are found to be the same.
    assert job().out.count('finished before') == 3
    with pytest.raises(JobError, match='begun with other settings') as error:
        job(classes=CLASSES[1:])
    assert r"metainfo.classes: ['line\nbreak', '\x1b[31mred" in str(error.value)
    assert all(line.isprintable() for line in str(error.value).splitlines())


@pytest.mark.parametrize('cls', CLASSES)
def test_errors_are_on_one_line(folder, cls):
    with pytest.raises(DataError) as error:
        open_folder(folder, [cls, 'none'])
    assert str(error.value).isprintable()
    (folder / 'images' / f'1{IMAGES[1]}').unlink()
    with pytest.raises(DataError) as error:
        open_folder(folder)
    assert str(error.value).isprintable()


def test_name_that_is_no_text(folder):
    change(folder, lambda coco: coco['categories'][0].update(name=7))
    with pytest.raises(DataError, match=r'1 category without a proper name \(a text\)'):
        open_folder(folder)
