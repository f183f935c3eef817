"""The one-command job on a pair of classifiers."""

import json
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS

from mmreviewkd.data_folders import Given
from mmreviewkd.errors import UsageError
from mmreviewkd.files import configs_folder
from mmreviewkd.job import (
    Detectors,
    JobError,
    Training,
    inference_cost,
    read_methods,
    run_job,
)
from mmreviewkd.job.labeled_images import fit_images, open_labeled_images
from mmreviewkd.job.pair import named_config

CONFIGS = configs_folder()
PAIR = 'classification/cifar100/reviewkd_resnet32x4_resnet8x4'
SMALL = {
    f'model.{part}.backbone.{key}': value
    for part in ('teacher', 'student')
    for key, value in dict(depth=8, channels=[8, 8, 16, 16]).items()
}
TRAINED_HERE = Detectors(pair=PAIR, train_teacher=True, from_scratch=True)


def run(folder, work_dir, **changes):
    arguments = dict(
        methods=read_methods([CONFIGS / 'methods' / 'review.py']),
        work_dir=work_dir,
        detectors=TRAINED_HERE,
        training=Training(epochs=2, teacher_epochs=1, batch=16),
        options=SMALL,
    )
    return run_job(CONFIGS / 'small', folder, **(arguments | changes))


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(inference_cost, 'PREDICTIONS', 1)
    monkeypatch.setattr(inference_cost, 'WARM_UP', 0)


def test_whole_job(cifar, tmp_path, brief, capsys):
    work_dir = run(cifar, tmp_path / 'work', one_teacher=True)
    said = capsys.readouterr().out
    assert 'found CIFAR100Images of 4 classes in cifar100' in said
    assert 'cifar100: 64 + 16 images, 4 classes' in said

    results = json.loads((work_dir / 'results.json').read_text())
    assert results['kinds'] == ['top-1']
    finished = results['runs']['review']['0']
    assert 0 <= finished['AP']['top-1']['accuracy'] <= 100
    assert finished['steps'] == 2 * 64 / 16
    table = (work_dir / 'table.md').read_text()
    assert 'top-1 accuracy' in table and 'Accuracy is in percent' in table
    assert (work_dir / 'gains.png').is_file()
    assert (work_dir / 'ap_over_epochs.png').is_file()

    # Again: all is finished.
    run(cifar, work_dir, one_teacher=True)
    assert 'epoch' not in capsys.readouterr().out.split('drawing')[0]


def test_published_student_predicts_as_its_card_says(cifar, tmp_path, brief):
    folder = run(cifar, tmp_path / 'work') / 'student'
    card = (folder / 'README.md').read_text()
    assert 'A classifier for MMEngine' in card and '| Top-1 accuracy | ' in card
    assert '| Training data | data/cifar100 |' in card

    (code,) = re.findall('```python\n(.*?)```', card, re.DOTALL)
    code = code.replace("'student", f"'{folder}/student")
    images = torch.randint(256, (2, 3, 32, 32))
    found: dict = dict(images=images)
    exec(code, found)
    scores = found['model'].test_step(found['batch'])
    assert [one['pred_score'].shape for one in scores] == [(4,), (4,)]


def test_few_images(cifar, tmp_path):
    cfg = named_config(TRAINED_HERE)
    data = open_labeled_images(cfg, cifar)
    fit_images(cfg, data, (8, 4))
    for loader, images in dict(
        train_dataloader=8, val_dataloader=4, test_dataloader=4
    ).items():
        assert cfg[loader].dataset.root == str(cifar)
        assert len(DATASETS.build(cfg[loader].dataset)) == images


def test_data_are_those_of_the_config_where_no_folder_is_named(cifar, monkeypatch):
    (cifar.parent / 'data').mkdir()
    cifar.rename(cifar.parent / 'data' / 'cifar100')
    monkeypatch.chdir(cifar.parent)
    data = open_labeled_images(named_config(TRAINED_HERE), None)
    assert data.root == cifar.parent / 'data' / 'cifar100'
    assert (data.train.images, data.val.images) == (64, 16)


def test_parts_below_the_folder_move_with_it(tmp_path):
    cfg = Config.fromfile(CONFIGS / 'classification' / 'imagenet' / 'resnet18.py')
    for part in ('train', 'val'):
        (tmp_path / part / 'cat').mkdir(parents=True)
        (tmp_path / part / 'cat' / 'a.png').touch()
    data = open_labeled_images(cfg, tmp_path)
    fit_images(cfg, data)
    assert data.classes == ('cat',)
    assert cfg.train_dataloader.dataset.root == f'{tmp_path}/train'
    assert cfg.test_dataloader.dataset.root == f'{tmp_path}/val'


def test_missing_data_are_told(tmp_path):
    with pytest.raises(UsageError, match='CIFAR-100 is not in'):
        run(tmp_path, tmp_path / 'work')


def test_config_without_a_place_of_its_data_is_refused(cifar):
    cfg = named_config(TRAINED_HERE)
    cfg.pop('data_root')
    with pytest.raises(JobError, match='has no data_root'):
        open_labeled_images(cfg, cifar)


@pytest.mark.parametrize(
    'asked, flag',
    [
        (dict(classes=['black']), '--classes'),
        (dict(training=Training(image_size=64)), '--image-size'),
        (dict(given=Given(val_fraction=0.2)), 'annotations'),
        (dict(export='onnx'), '--export'),
    ],
)
def test_what_only_detectors_have_is_refused(cifar, tmp_path, asked, flag):
    with pytest.raises(JobError, match=f'{flag}.*not for classifiers'):
        run(cifar, tmp_path / 'work', **asked)
