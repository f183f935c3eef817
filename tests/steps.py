"""One training step of a student, with what a distillation then has to compare."""

import copy
from types import SimpleNamespace

import torch
import toys

from mmreviewkd.features import Feature, FeatureRecorder
from mmreviewkd.methods import Batch, Distillation


def pair(student: dict, teacher: dict | None = None, std: float = 0.05) -> tuple:
    """Build two detectors whose heads have weights that differ, the second frozen."""
    torch.manual_seed(0)
    configs = student, copy.deepcopy(student if teacher is None else teacher)
    detectors = [toys.build(config) for config in configs]
    for detector in detectors:
        for name, parameter in detector.named_parameters():
            # Level embeddings are raw memory until MMDetection initialises them.
            if ('head' in name or 'level_embed' in name) and parameter.dim() > 1:
                parameter.data.normal_(std=std)
    detectors[0].train()
    detectors[1].eval().requires_grad_(False)
    return tuple(detectors)


def step(
    distillation: Distillation,
    student: torch.nn.Module,
    teacher: torch.nn.Module,
    levels: range | tuple | None = None,
) -> Batch:
    """Run the student's losses and the teacher's trunk."""
    data = student.data_preprocessor(toys.batch(), training=True)
    names = ['neck', *distillation.student_modules(student)]
    recorder = FeatureRecorder(student, names)
    torch.manual_seed(0)
    with recorder:
        student(**data, mode='loss')
    feats = tuple(recorder.call('neck').output)
    with torch.no_grad():
        targets = tuple(teacher.extract_feat(data['inputs']))
    levels = range(len(feats)) if levels is None else levels
    compared = tuple(
        Feature('neck', level, feats[level].shape[1], stride=8 * 2**level)
        for level in levels
    )
    return Batch(
        feats=tuple(feats[level] for level in levels),
        targets=tuple(targets[level] for level in levels),
        images=data['inputs'],
        data_samples=data['data_samples'],
        student=student,
        teacher=SimpleNamespace(model=teacher),
        student_feats=feats,
        teacher_feats=targets,
        levels=compared,
        teacher_levels=compared,
        recorded=recorder,
    )


def twins(config: dict) -> tuple:
    """Build two detectors with the same weights, the student in training."""
    student, teacher = pair(config)
    student.load_state_dict(teacher.state_dict())
    # Batch statistics would move.
    student.backbone.eval()
    return student, teacher


def giou(a: list, b: list) -> float:
    """The generalised IoU of two boxes (x1, y1, x2, y2)."""

    def area(box: list) -> float:
        return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)

    both = area([*map(max, a[:2], b[:2]), *map(min, a[2:], b[2:])])
    union = area(a) + area(b) - both
    hull = area([*map(min, a[:2], b[:2]), *map(max, a[2:], b[2:])])
    return both / union - (hull - union) / hull
