"""Each fault that data have in practice, and how training takes it."""

import cv2
import pytest
import torch
import toys
from coco_sets import COLOUR, POLYGON, change, save_as, write_coco
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from pycocotools import mask
from runs import coco_run

NAMES = ('a', 'b', 'c')
# The right half of an image, as runs of pixels column by column.
RLE = dict(size=[64, 64], counts=[2048, 2048])
COMPRESSED_RLE = mask.frPyObjects(RLE, 64, 64)
COMPRESSED_RLE['counts'] = COMPRESSED_RLE['counts'].decode()


@pytest.fixture
def root(tmp_path):
    """Two images a split, each with the same box of each class, 20 x 10 at (4, 4)."""
    return write_coco(
        tmp_path / 'data', names=NAMES, labels=(0, 1, 2), segmentation=POLYGON
    )


def first(kind, **fields):
    """An edit that changes the first entry of a kind."""
    return lambda coco: coco[kind][0].update(fields)


def drop(kind, field):
    return lambda coco: coco[kind][0].pop(field)


def spread_ids(coco):
    """Gaps, as in COCO's own 80 categories."""
    for category in coco['categories']:
        category['id'] *= 10
    for ann in coco['annotations']:
        ann['category_id'] *= 10


def training_set(root, classes=NAMES):
    """As a run reads it, images in their own size."""
    init_default_scope('mmdet')
    cfg = Config.fromfile(toys.CONFIGS / '_base_/small_data.py')
    dataset = cfg.train_dataloader.dataset
    dataset.update(data_root=f'{root}/', metainfo=dict(classes=classes))
    for transform in dataset.pipeline:
        if transform.type == 'Resize':
            transform.scale = (64, 64)
        if transform.type == 'RandomFlip':
            transform.prob = 0.0
    return DATASETS.build(dataset)


def test_sound_set(root):
    sample = training_set(root)[0]['data_samples']
    assert sample.gt_instances.labels.tolist() == [0, 1, 2]
    assert sample.gt_instances.bboxes.tensor.tolist() == [[4, 4, 24, 14]] * 3
    assert len(sample.ignored_instances) == 0


def test_gaps_in_the_category_ids(root):
    change(root, spread_ids, 'train')
    sample = training_set(root)[0]['data_samples']
    assert sample.gt_instances.labels.tolist() == [0, 1, 2]


def test_category_that_the_class_list_lacks_is_passed_over(root):
    sample = training_set(root, classes=('a', 'c'))[0]['data_samples']
    assert sample.gt_instances.labels.tolist() == [0, 1]


def test_another_order_of_categories_mixes_up_the_labels(root):
    """As in stock MMDetection; preflight and job refuse it."""
    change(root, lambda coco: coco['categories'].reverse(), 'train')
    dataset = training_set(root)
    first_label = int(dataset[0]['data_samples'].gt_instances.labels[0])
    assert dataset.metainfo['classes'][first_label] == 'c'  # It is an 'a'.


@pytest.mark.parametrize(
    'edit',
    [
        first('annotations', bbox=[4, 4, 0.5, 9]),
        first('annotations', area=0),
        first('annotations', bbox=[100, 100, 9, 9]),
        first('annotations', category_id=99),
        first('annotations', image_id=99),
    ],
)
def test_annotation_that_is_passed_over(root, edit):
    change(root, edit, 'train')
    sample = training_set(root)[0]['data_samples']
    assert sample.gt_instances.labels.tolist() == [1, 2]


@pytest.mark.parametrize(
    'box, expected',
    [
        ([-9, 4, 20, 10], [0, 4, 11, 14]),
        ([60, 60, 50, 50], [60, 60, 64, 64]),
        ([4, 4, 1, 1], [4, 4, 5, 5]),
    ],
)
def test_box_as_trained_on(root, box, expected):
    change(root, first('annotations', bbox=box, area=1), 'train')
    boxes = training_set(root)[0]['data_samples'].gt_instances.bboxes
    assert boxes.tensor[0].tolist() == expected


@pytest.mark.parametrize('region', [RLE, COMPRESSED_RLE, POLYGON])
def test_crowd_is_an_ignored_region(root, region):
    change(root, first('annotations', iscrowd=1, segmentation=region), 'train')
    sample = training_set(root)[0]['data_samples']
    assert sample.gt_instances.labels.tolist() == [1, 2]
    assert sample.ignored_instances.labels.tolist() == [0]


def test_image_without_annotation_is_left_out(root):
    change(root, lambda coco: coco.update(annotations=coco['annotations'][3:]), 'train')
    (sample,) = training_set(root)
    assert sample['data_samples'].img_path.endswith('01.png')


@pytest.mark.parametrize(
    'edit, error',
    [
        (drop('annotations', 'bbox'), KeyError),
        (drop('annotations', 'area'), KeyError),
        (drop('annotations', 'segmentation'), KeyError),
        (drop('images', 'file_name'), KeyError),
        (first('annotations', bbox=[1, 2, 3]), ValueError),
        (first('annotations', id=2), AssertionError),
        (first('images', file_name='gone.png'), FileNotFoundError),
    ],
)
def test_what_ends_training(root, edit, error):
    change(root, edit, 'train')
    with pytest.raises(error):
        list(training_set(root))


def test_images_with_the_same_id(root):
    """As in stock MMDetection: one is gone, the other has the boxes of both."""

    def merge(coco):
        coco['images'][0]['id'] = 1
        for ann in coco['annotations']:
            ann['image_id'] = 1

    change(root, merge, 'train')
    (sample,) = training_set(root)
    assert len(sample['data_samples'].gt_instances) == 6


@pytest.mark.parametrize(
    'kind, expected',
    [
        ('plain', COLOUR),
        ('palette', COLOUR),
        ('16 bits', COLOUR),
        ('transparent', COLOUR),
        ('CMYK', COLOUR),
        # ITU-R 601: 0.299 R + 0.587 G + 0.114 B
        ('grayscale', (124, 124, 124)),
    ],
)
def test_image_read_as_colour(root, kind, expected):
    save_as(kind, root / 'images/00.png')
    image = training_set(root)[0]['inputs']
    assert image.dtype == torch.uint8 and image.shape == (3, 64, 64)
    blue_green_red = torch.tensor(expected[::-1]).view(3, 1, 1)
    assert (image.int() - blue_green_red).abs().max() <= 2


def test_image_turned_by_its_exif_orientation_is_read_as_seen(root):
    save_as('turned', root / 'images/00.png', height=48, width=64)
    assert training_set(root)[0]['inputs'].shape == (3, 64, 48)


@pytest.mark.parametrize('rest', [-4, 100])
def test_image_that_is_cut_off_ends_training(root, rest):
    path = root / 'images/00.png'
    save_as('CMYK', path)
    path.write_bytes(path.read_bytes()[:rest])
    with pytest.raises(AssertionError, match=r'failed to load image: .*00\.png'):
        training_set(root)[0]


def test_empty_image_ends_training(root):
    (root / 'images/00.png').write_bytes(b'')
    with pytest.raises(cv2.error):
        training_set(root)[0]


def test_training_on_all_that_is_harmless(tmp_path):
    """Distillation, checkpoint and evaluation on one set that has all of it."""
    kinds = (
        'plain',
        'grayscale',
        'palette',
        '16 bits',
        'transparent',
        'CMYK',
        'turned',
    )
    root = write_coco(
        tmp_path / 'data',
        names=(*NAMES, 'not trained on'),
        labels=(0, 1, 2, 3),
        segmentation=POLYGON,
        images_each=len(kinds) + 2,
    )

    def spoil(coco):
        anns = coco['annotations']
        anns[0].update(bbox=[4, 4, 1, 1], area=1)
        anns[1].update(bbox=[-9, 4, 20, 10])
        anns[2].update(bbox=[4, 4, 0.5, 9])
        anns[4].update(iscrowd=1, segmentation=RLE)
        anns[5].update(iscrowd=1, segmentation=COMPRESSED_RLE)
        # One image has a crowd alone, one has nothing.
        anns[-8].update(iscrowd=1, segmentation=RLE)
        del anns[-7:]
        spread_ids(coco)

    for number, split in enumerate(('train', 'val')):
        for i, kind in enumerate(kinds):
            save_as(kind, root / f'images/{number}{i}.png')
        change(root, spoil, split)
    cfg = coco_run('reviewkd_mrcnn.py', root, NAMES, masks=True)
    checkpoint = toys.save_teacher(toys.detector('mrcnn'), tmp_path / 'teacher.pth')
    cfg.model = toys.distilled(checkpoint, 'mrcnn')
    # An untrained detector must have detections to evaluate; a few are enough.
    cfg.model.student.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    cfg.val_evaluator.metric = ['bbox', 'segm']
    cfg.work_dir = str(tmp_path / 'run')
    runner = Runner.from_cfg(cfg)
    runner.train()
    # The image without any annotation is left out: eight, four at a time.
    assert runner.iter == 2
    losses = runner.message_hub.get_scalar('train/loss_distill').data[0]
    assert len(losses) == 2 and min(losses) > 0
    for kind in ('bbox', 'segm'):
        assert runner.message_hub.get_scalar(f'val/coco/{kind}_mAP').current() >= 0
