"""The smallest detectors that are still real, and batches for them."""

import copy
from pathlib import Path

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset

from mmreviewkd.model_config import resolve_model_config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'

_RESOLVED: dict[str, ConfigDict] = {}

NARROW = dict(
    backbone=dict(base_channels=4, stem_channels=4),
    neck=dict(in_channels=[4, 8, 16, 32], out_channels=8),
    rpn_head=dict(in_channels=8, feat_channels=8),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=8),
        bbox_head=dict(in_channels=8, fc_out_channels=16, num_classes=3),
    ),
)
NARROW_MASK = dict(
    mask_roi_extractor=dict(out_channels=8),
    mask_head=dict(in_channels=8, conv_out_channels=8, num_classes=3),
)


def detector(kind: str = 'frcnn', **changes) -> ConfigDict:
    """Config of a tiny Faster ('frcnn') or Mask R-CNN ('mrcnn')."""
    config = ConfigDict(_base_=str(CONFIGS / f'small/{kind}_student.py'), **NARROW)
    if kind == 'mrcnn':
        config.roi_head.update(NARROW_MASK)
    config.update(changes)
    return resolve(config)


ONE_STAGE = dict(
    retinanet='mmdet::_base_/models/retinanet_r50_fpn.py',
    fcos='mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    gfl='mmdet::gfl/gfl_r50_fpn_1x_coco.py',
    atss='mmdet::atss/atss_r50_fpn_1x_coco.py',
)


def one_stage(kind: str = 'retinanet', convs: int = 2, **head) -> ConfigDict:
    """Config of a tiny one-stage detector, one of ``ONE_STAGE``."""
    head = dict(in_channels=32, feat_channels=32, stacked_convs=convs, **head)
    return resolve(
        ConfigDict(
            _base_=ONE_STAGE[kind],
            backbone=dict(
                depth=18,
                base_channels=4,
                stem_channels=4,
                frozen_stages=-1,
                init_cfg=None,
            ),
            neck=dict(in_channels=[4, 8, 16, 32], out_channels=32),
            bbox_head=dict(head, num_classes=3),
        )
    )


def resolve(config: dict) -> ConfigDict:
    """Read a config, once for all tests: MMEngine takes half a second for it."""
    key = repr(config)
    if key not in _RESOLVED:
        _RESOLVED[key] = resolve_model_config(config)
    return copy.deepcopy(_RESOLVED[key])


def build(config: dict) -> torch.nn.Module:
    """Build a model in MMDetection's scope."""
    init_default_scope('mmdet')
    return MODELS.build(config)


def save_teacher(config: dict, path: Path, seed: int = 7) -> str:
    """Write a checkpoint of a randomly initialised detector."""
    torch.manual_seed(seed)
    model = build(config)
    # Statistics that differ from a fresh model's, so that losing them shows.
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


def distilled(teacher_checkpoint: str | None, kind: str = 'frcnn', **changes) -> dict:
    """Config of a tiny student under an equally tiny teacher."""
    return (
        dict(
            type='DistilledDetector',
            student=detector(kind),
            teacher=detector(kind),
            teacher_checkpoint=teacher_checkpoint,
            # Not what this machine is fast in: numbers are compared.
            teacher_dtype='float32',
            distillation=dict(
                type='FeatureDistillation',
                connector=dict(type='ReviewConnector', mid_channels=8),
                loss=dict(type='HCLLoss'),
            ),
        )
        | changes
    )


class Classifier(BaseModel):
    """A classifier with one convolution."""

    def __init__(self, data_preprocessor=None, classes=2):
        super().__init__(data_preprocessor)
        self.backbone = torch.nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.head = torch.nn.Linear(8, classes)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        scores = self.head(self.backbone(inputs).mean((2, 3)))
        if mode != 'loss':
            return scores
        return dict(loss=cross_entropy(scores, torch.as_tensor(data_samples)))


def batch(sizes=((64, 64), (48, 64)), masks: bool = False, seed: int = 0) -> dict:
    """Raw images and annotations as a data loader hands them out."""
    rng = np.random.default_rng(seed)
    inputs, samples = [], []
    for height, width in sizes:
        inputs.append(
            torch.from_numpy(rng.integers(0, 256, (3, height, width), dtype=np.uint8))
        )
        boxes = torch.tensor([[8.0, 8.0, 30.0, 28.0], [20.0, 10.0, 44.0, 40.0]])
        instances = InstanceData(bboxes=boxes, labels=torch.tensor([0, 2]))
        if masks:
            bitmaps = np.zeros((2, height, width), np.uint8)
            for bitmap, (x1, y1, x2, y2) in zip(bitmaps, boxes.int(), strict=True):
                bitmap[y1:y2, x1:x2] = 1
            instances.masks = BitmapMasks(bitmaps, height, width)
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(height, width),
                ori_shape=(height, width),
                scale_factor=(1.0, 1.0),
                img_id=len(samples),
            ),
            gt_instances=instances,
        )
        sample.ignored_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0)
        )
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


class Images(Dataset):
    """As many toy images, each different."""

    metainfo = dict(classes=('a', 'b', 'c'))

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        data = batch(sizes=((64, 64),), seed=index)
        return {key: value[0] for key, value in data.items()}


def losses(model: torch.nn.Module, data: dict, seed: int = 0) -> dict:
    """The losses of one training step, samplers seeded."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    return model(**model.data_preprocessor(data, training=True), mode='loss')
