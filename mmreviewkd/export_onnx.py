"""Detectors as ONNX files, checked against PyTorch's outputs."""

import io
import json
import logging
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmdet.models.detectors import (
    BaseDetector,
    DetectionTransformer,
    SingleStageDetector,
)
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from .errors import UsageError
from .files import write_bytes
from .teachers.renormalize import BGR, Normalization

RTOL, ATOL = 1e-3, 1e-3
"""How far ONNX Runtime's outputs may be from PyTorch's, relative to the largest."""
_MISSING = 'install what the export needs: pip install onnx onnxruntime onnxscript'


class Exported(NamedTuple):
    """What an export has written.

    Args:
        path (Path): The ONNX file.
        shapes (dict[str, tuple[int]]): Shape of each output by name.
        difference (float): The largest difference between the two programs' outputs,
            relative to the largest value of the output.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]
    difference: float


class _RawOutputs(nn.Module):
    """Image in, what the heads say out, as a flat tuple."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: BaseDetector, size: tuple[int, int]) -> None:
        super().__init__()
        self.model = model
        wanted = Normalization.of(model.data_preprocessor, 'detector')
        self.register_buffer('mean', wanted.mean)
        self.register_buffer('std', wanted.std)
        self.flip = wanted.order == BGR
        sample = DetDataSample()
        sample.set_metainfo(dict(img_shape=size, batch_input_shape=size))
        self.samples = [sample]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if self.flip:
            images = images.flip(1)
        images = (images - self.mean) / self.std
        return tuple(_flat(self.model._forward(images, self.samples)))


def export_onnx(model: BaseDetector, path: Path, size: tuple[int, int]) -> Exported:
    """Write a detector as an ONNX file, and run it to compare.

    The file takes ``images`` (1, 3, H, W), float32, RGB from 0 to 255, and normalises
    them. It gives the raw outputs of the head, ``output_0``, ``output_1``, ..., in the
    order of MMDetection's ``model._forward``: for each level the scores before the
    sigmoid, then the boxes as the head encodes them. Decoding and NMS are left to what
    runs it, as they hold loops and sizes that depend on the image.

    Args:
        model (:obj:`BaseDetector`): The detector, with its weights, on the CPU.
        path (Path): The file to write.
        size (tuple[int, int]): Height and width of the images in pixels; fixed in the
            file.

    Raises:
        UsageError: If a package is missing, PyTorch cannot write the detector as ONNX,
            or the outputs differ. Nothing is written then.
    """
    if not isinstance(model, SingleStageDetector | DetectionTransformer):
        raise UsageError(
            f'{type(model).__name__} cannot be written as ONNX: only detectors of one '
            'stage can (RetinaNet, FCOS, RTMDet, DETR, ...). Detectors of two stages '
            'choose boxes between the stages; use MMDeploy for them.'
        )
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  PyTorch's exporter is built on it
    except ImportError as error:
        raise UsageError(f'{error}; {_MISSING}') from error
    images = 255 * torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    raw = _RawOutputs(model, size).eval()
    with torch.no_grad():
        expected = raw(images)
    names = [f'output_{number}' for number in range(len(expected))]
    written = _trace(raw, images, names)
    classes = json.dumps(list(model.dataset_meta.get('classes', ())))
    onnx.helper.set_model_props(written, dict(classes=classes))
    content = written.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    found = session.run(names, dict(images=images.numpy()))
    difference = _compare(names, expected, found)
    write_bytes(path, content)
    shapes = {name: tuple(one.shape) for name, one in zip(names, expected, strict=True)}
    return Exported(path, shapes, difference)


def _trace(raw: _RawOutputs, images: Tensor, names: Sequence[str]) -> Any:
    # It tells of its progress, and of what does not concern this model.
    loggers = [logging.getLogger(name) for name in ('torch.onnx', 'onnxscript')]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            program = torch.onnx.export(
                raw,
                (images,),
                dynamo=True,
                input_names=['images'],
                output_names=list(names),
                verbose=False,
            )
    except Exception as error:  # whatever stops the tracing of a model's Python code
        first = str(error).strip().splitlines() or ['']
        raise UsageError(
            f'PyTorch cannot write {type(raw.model).__name__} as ONNX: '
            f'{type(error).__name__}: {first[0]}'
        ) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    assert program is not None  # it is None where a file is written
    return program.model_proto


def _compare(
    names: Sequence[str], expected: Sequence[Tensor], found: Sequence[np.ndarray]
) -> float:
    worst = 0.0
    for name, one, other in zip(names, expected, found, strict=True):
        difference = float((one - torch.from_numpy(other)).abs().max())
        largest = float(one.abs().max())
        if difference > ATOL + RTOL * largest:
            raise UsageError(
                f"{name} of the ONNX file differs from PyTorch's by {difference:.3g}, "
                f'where values go up to {largest:.3g}; nothing is written'
            )
        worst = max(worst, difference / max(largest, ATOL))
    return worst


def _flat(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = outputs.values()
    if isinstance(outputs, str) or not hasattr(outputs, '__iter__'):
        return []
    return [tensor for part in outputs for tensor in _flat(part)]
