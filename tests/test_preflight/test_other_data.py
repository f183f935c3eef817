"""Data sets that are not like COCO, joined ones, and what a runner sets."""

from pathlib import Path

import pytest
import toys
from coco_sets import change, write_coco
from mmdet.datasets import BaseDetDataset
from mmdet.registry import DATASETS
from mmengine.config import Config
from runs import LOADERS, coco_run

from mmreviewkd.preflight import preflight

ABC = ('a', 'b', 'c')
XML = """<annotation><size><width>64</width><height>64</height></size>
<object><name>{}</name><difficult>0</difficult><bndbox><xmin>4</xmin><ymin>4</ymin>
<xmax>24</xmax><ymax>14</ymax></bndbox></object></annotation>"""


@pytest.fixture
def cfg(tmp_path):
    data = write_coco(tmp_path / 'data', names=ABC, labels=(0, 1, 2))
    cfg = coco_run('reviewkd_frcnn.py', data, ABC)
    cfg.train_dataloader.batch_size = 2
    cfg.model = toys.distilled('random')
    return cfg


def set_everywhere(cfg, dataset):
    for loader in LOADERS:
        pipeline = cfg[loader].dataset.pipeline
        cfg[loader].dataset = Config(dataset | dict(pipeline=pipeline))._cfg_dict


@pytest.fixture
def voc(cfg, tmp_path):
    """The config on a set in the format of Pascal VOC, and a function to write it."""
    root = tmp_path / 'VOC2007'
    (tmp_path / 'data/images').rename(tmp_path / 'JPEGImages')
    for folder in ('Annotations', 'ImageSets/Main'):
        (root / folder).mkdir(parents=True)
    (tmp_path / 'JPEGImages').rename(root / 'JPEGImages')

    def write(name='00', cls='a'):
        (root / f'Annotations/{name}.xml').write_text(XML.format(cls))
        (root / 'JPEGImages' / f'{name}.png').rename(root / f'JPEGImages/{name}.jpg')
        with open(root / 'ImageSets/Main/train.txt', 'a') as file:
            file.write(f'{name}\n')

    set_everywhere(
        cfg,
        dict(
            type='VOCDataset',
            data_root=f'{tmp_path}/',
            ann_file='VOC2007/ImageSets/Main/train.txt',
            data_prefix=dict(sub_data_root='VOC2007/'),
            metainfo=dict(classes=ABC),
        ),
    )
    for name in ('val_evaluator', 'test_evaluator'):
        cfg[name] = dict(type='VOCMetric', metric='mAP')
    return cfg, write


def test_voc(voc):
    cfg, write = voc
    write('00', 'a')
    write('01', 'b')
    found = preflight(cfg)
    assert not found.problems
    assert 'train_dataloader: VOCDataset with 2 samples of 3 classes' in found.notes
    assert 'a training step: loss' in found.notes[-1]


def test_voc_without_any_of_the_classes(voc):
    cfg, write = voc
    write('00', 'other')
    cfg.train_dataloader.dataset.filter_cfg = dict(filter_empty_gt=True)
    assert 'no sample, or all of them are filtered out' in preflight(cfg).problems[0]


def test_voc_without_its_list(voc):
    cfg, _ = voc
    problem, *_ = preflight(cfg).problems
    assert 'train_dataloader cannot be built: FileNotFoundError' in problem


class Folder(BaseDetDataset):
    """One's own kind: all images of a folder, each with one box."""

    METAINFO = dict(classes=ABC)
    label = 0

    def load_data_list(self):
        paths = sorted(Path(self.data_root, 'images').iterdir())
        box = dict(bbox=[4, 4, 24, 14], bbox_label=self.label, ignore_flag=0)
        return [
            dict(img_path=str(path), img_id=i, height=64, width=64, instances=[box])
            for i, path in enumerate(paths)
        ]


@pytest.fixture
def own(cfg, tmp_path, monkeypatch):
    DATASETS.register_module(name='Folder', module=Folder)
    for loader in LOADERS:
        cfg[loader].dataset = dict(
            type='Folder',
            data_root=f'{tmp_path}/data',
            pipeline=cfg[loader].dataset.pipeline,
        )
    for name in ('val_evaluator', 'test_evaluator'):
        cfg[name] = dict(type='VOCMetric')
    yield cfg
    DATASETS.module_dict.pop('Folder')


def test_ones_own_data_set(own):
    found = preflight(own)
    assert not found.problems
    assert 'train_dataloader: Folder with 4 samples of 3 classes' in found.notes


def test_labels_beyond_the_classes(own, monkeypatch):
    monkeypatch.setattr(Folder, 'label', 3)
    problem, *_ = preflight(own).problems
    assert problem == (
        'train_dataloader: sample 0 has labels beyond the 3 classes of the data set: 3'
    )


def test_image_that_is_damaged(own, tmp_path):
    path = tmp_path / 'data/images/11.png'
    path.write_bytes(path.read_bytes()[:20])
    problem, *_ = preflight(own).problems
    assert 'train_dataloader: sample 3 cannot be read' in problem


def joined(cfg, *changes):
    """Join the training set with itself."""
    one = cfg.train_dataloader.dataset
    parts = [Config(dict(one) | change).to_dict() for change in changes]
    cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=parts)


def test_joined(cfg):
    joined(cfg, {}, {})
    found = preflight(cfg)
    assert not found.problems
    assert 'train_dataloader: ConcatDataset with 4 samples of 3 classes' in found.notes


@pytest.mark.parametrize('wrapper', ['RepeatDataset', 'ClassBalancedDataset'])
def test_each_part_is_checked(cfg, wrapper, tmp_path):
    """A part with its own file, whose order its own class list follows."""
    write_coco(tmp_path / 'more', names=('c', 'a', 'b'), labels=(0, 1, 2))
    change(tmp_path / 'more', lambda c: c['images'][0].update(file_name='x'), 'train')
    more = dict(data_root=f'{tmp_path}/more', metainfo=dict(classes=('c', 'a', 'b')))
    joined(cfg, {}, more)
    extra = dict(times=2) if wrapper == 'RepeatDataset' else dict(oversample_thr=0.1)
    second = cfg.train_dataloader.dataset.datasets[1]
    cfg.train_dataloader.dataset.datasets[1] = dict(
        type=wrapper, dataset=second, **extra
    )
    found = preflight(cfg)
    assert any("1 of 2 images missing in '" in one for one in found.problems)
    assert any(
        'train_dataloader.dataset.datasets[1].dataset has other classes than '
        'train_dataloader.dataset.datasets[0]' in one
        for one in found.problems
    )
    assert any(f'"categories" as {ABC!r}' in one for one in found.problems)
    assert not any("write classes=('c'" in one for one in found.problems)


def test_one_string_as_classes(cfg):
    cfg.train_dataloader.dataset.metainfo = dict(classes='RBC')
    problem, *_ = preflight(cfg).problems
    assert "write classes=('RBC',)" in problem


def test_file_of_classes(cfg, tmp_path):
    (tmp_path / 'classes.txt').write_text('a\nb\nc\n')
    for loader in LOADERS:
        cfg[loader].dataset.metainfo = dict(classes=str(tmp_path / 'classes.txt'))
    assert not preflight(cfg).problems


def test_misspelt_field(cfg):
    cfg.optim_wraper = dict(type='OptimWrapper')
    problem, *_ = preflight(cfg).problems
    assert "'optim_wrapper'" in problem


@pytest.mark.parametrize('as_one', [False, True])
def test_several_evaluators(cfg, as_one):
    both = [cfg.val_evaluator, dict(cfg.val_evaluator, ann_file='/x.json')]
    cfg.val_evaluator = dict(type='Evaluator', metrics=both) if as_one else both
    (problem,) = preflight(cfg).problems
    assert problem.startswith("val_evaluator.ann_file is '/x.json'")


def test_preprocessor_that_asks_for_the_iteration(cfg):
    """As those of YOLOX's configs do."""
    cfg.model.student.data_preprocessor.batch_augments = [
        dict(
            type='BatchSyncRandomResize',
            random_size_range=(64, 96),
            size_divisor=32,
            interval=1,
        )
    ]
    assert not preflight(cfg).problems


def test_learning_rate_by_the_batch_of_a_sampler(cfg):
    """As in COCO's configs."""
    cfg.train_dataloader.batch_sampler = dict(type='AspectRatioBatchSampler')
    cfg.auto_scale_lr = dict(enable=True, base_batch_size=8)
    assert not preflight(cfg).problems


def test_preprocessor_beside_the_model(cfg):
    cfg.data_preprocessor = cfg.model.student.pop('data_preprocessor')
    assert not preflight(cfg).problems


def test_teachers_of_several_kinds(cfg):
    fields = ('teacher', 'teacher_checkpoint', 'teacher_dtype', 'distillation')
    one = {name: cfg.model.pop(name) for name in fields}
    other = Config(one).to_dict()
    other['teacher']['roi_head']['bbox_head']['num_classes'] = 80
    cfg.model.teachers = [one, other]
    found = preflight(cfg)
    assert not found.problems
    assert any('teacher 1 has 80 classes' in note for note in found.notes)


@pytest.mark.parametrize(
    'field, value, said',
    [
        (
            'optim_wrapper',
            dict(type='OptimWrapper', optimizer=dict(type='SGD', lrr=1)),
            'lrr',
        ),
        ('load_from', 'gone.pth', 'gone.pth'),
        ('custom_hooks', [dict(type='GoneHook')], 'GoneHook'),
        ('val_evaluator', dict(type='CocoMetric', metric='gone'), 'gone'),
    ],
)
def test_what_a_run_builds(cfg, field, value, said):
    cfg[field] = value
    (problem,) = preflight(cfg).problems
    assert said in problem


def test_nothing_is_written(cfg, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob('*'))
    preflight(cfg)
    assert sorted(tmp_path.rglob('*')) == before
