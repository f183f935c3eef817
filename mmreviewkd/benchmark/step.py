"""A training step of random images, as it is measured and counted."""

from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmreviewkd.classification.random_batch import random_batch
from mmreviewkd.distillers import students_own
from mmreviewkd.methods.classifiers import is_classifier
from mmreviewkd.model_config import (
    build_model,
    resolve_model_config,
    without_pretrained,
)
from mmreviewkd.precision import autocast


def build_models(cfg: ConfigDict) -> tuple[nn.Module, nn.Module]:
    """Build a student alone, and the distilled one, with the same random weights.

    Args:
        cfg (ConfigDict): The ``model`` of a distillation run's config.
    """
    student_cfg = without_pretrained(resolve_model_config(cfg))
    teacher_cfg = without_pretrained(resolve_model_config(cfg.teacher))
    distilled: Any = build_model(
        ConfigDict(
            cfg,
            student=student_cfg,
            teacher=teacher_cfg,
            teacher_checkpoint='random',
            inherit=(),
        )
    )
    distilled.init_weights()
    student: Any = build_model(student_cfg)
    # Then both have the same proposals, and pooling larger ones takes longer.
    student.load_state_dict(students_own(distilled.state_dict()))
    return student.train(), distilled.train()


def make_batch(
    student: nn.Module,
    size: tuple[int, int],
    batch_size: int,
    objects: int = 10,
) -> dict:
    """Make random images with random boxes, and masks where the student has them.

    Args:
        student (nn.Module): A detector or a classifier.
        size (tuple[int, int]): Height and width of the images.
        batch_size (int): Number of images.
        objects (int): Boxes in each image. Defaults to 10.
    """
    if is_classifier(student):
        return random_batch(batch_size, size)
    height, width = size
    rng = np.random.default_rng(0)
    inputs, samples = [], []
    for _ in range(batch_size):
        inputs.append(
            torch.from_numpy(rng.integers(0, 256, (3, height, width), dtype=np.uint8))
        )
        corners = rng.uniform(0, 0.7, (objects, 2)) * (width, height)
        sides = rng.uniform(0.05, 0.3, (objects, 2)) * (width, height)
        boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float32)
        instances = InstanceData(
            bboxes=torch.from_numpy(boxes), labels=torch.zeros(objects).long()
        )
        if student.with_mask:
            masks = np.zeros((objects, height, width), np.uint8)
            for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
                mask[y1:y2, x1:x2] = 1
            instances.masks = BitmapMasks(masks, height, width)
        sample = DetDataSample(gt_instances=instances)
        sample.set_metainfo(
            dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
        )
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def take_step(model: Any, optimizer: torch.optim.Optimizer, data: dict) -> None:
    """Take one training step."""
    Step(model, optimizer, data)()


class Step:
    """A training step, to be taken again and again.

    Args:
        model (nn.Module): What is trained.
        optimizer (torch.optim.Optimizer): Its optimizer.
        data (dict): The batch, as a data loader returns it.
        amp (torch.dtype, optional): Mixed precision; ``torch.float16`` with a scaler of
            the losses, as MMEngine's ``AmpOptimWrapper`` has it. Defaults to None: the
            precision of the surroundings.

    Attributes:
        log (dict[str, Tensor]): The losses of the last step by name, on the device.
    """

    def __init__(
        self,
        model: Any,
        optimizer: torch.optim.Optimizer,
        data: dict,
        amp: torch.dtype | None = None,
    ) -> None:
        self.model, self.optimizer, self.data, self.amp = model, optimizer, data, amp
        self.device = next(model.parameters()).device
        scaled = amp == torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=scaled)
        self.log: dict[str, Tensor] = {}

    def __call__(self) -> None:
        """Take the step."""
        with autocast(self.device, self.amp):
            batch = self.model.data_preprocessor(self.data, training=True)
            losses = self.model(**batch, mode='loss')
            loss, log = self.model.parse_losses(losses)
        # With their graph they would hold memory until the next step.
        self.log = {name: value.detach() for name, value in log.items()}
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Make an optimizer that leaves the weights as they are."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.SGD(trained, lr=0.0, momentum=0.9)
