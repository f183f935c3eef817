"""The frozen teacher: backbone and neck of a trained detector, its heads if needed."""

from collections.abc import Sequence

import torch
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType
from mmengine.logging import print_log
from mmengine.model import ImgDataPreprocessor
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from .fast_inference import fast_inference, native_half
from .model_config import resolve_model_config
from .renormalize import Renormalize

PARTS = ('backbone', 'neck')
DTYPES = ('float32', 'float16', 'bfloat16')
RANDOM = 'random'
"""The checkpoint's name that asks for a teacher with random weights."""


class Teacher(nn.Module):
    """Backbone and neck of a trained detector, its heads if needed, frozen for good.

    Nothing is read or built before :meth:`load`, so that a distilled student
    is tested without its teacher. It is always in evaluation mode, has no
    trainable parameter, runs without autograd, sees images in its own
    normalisation, follows the images' device, and is shared, not copied, by
    copies of the model that holds it. It is rewritten for speed once its weights are
    read, see :func:`fast_inference`.

    Unless ``dtype`` names its precision, that is the student's under mixed precision;
    else the half precision that the device has natively, see :func:`native_half`; else
    float32.

    Args:
        config (str | dict): The teacher detector's config, as
            :func:`resolve_model_config` takes it.
        checkpoint (str, optional): Its checkpoint's path or URL. ``'random'``
            asks for random weights, for control experiments.
        dtype (str, optional): One of :data:`DTYPES`. Defaults to None: see above.

    Attributes:
        with_heads (bool): Whether :meth:`load` builds the detector's heads as well,
            under the names that they have there.
    """

    with_heads = False

    def __init__(
        self,
        config: str | ConfigType,
        checkpoint: str | None,
        dtype: str | None = None,
    ) -> None:
        super().__init__()
        if dtype is not None and dtype not in DTYPES:
            raise ValueError(
                f'model.teacher_dtype is {dtype!r}, but has to be one of '
                f'{", ".join(DTYPES)}, or None to follow the device'
            )
        self.dtype = dtype and getattr(torch, dtype)
        self.config = config
        self.checkpoint = checkpoint
        self._renormalize: Renormalize | None = None

    @property
    def loaded(self) -> bool:
        """bool: Whether the teacher has been built and its weights read."""
        return hasattr(self, 'backbone')

    def load(self) -> None:
        """Build the teacher and read its weights, once.

        Raises:
            ValueError: If no checkpoint is named, or weights of what is built
                are missing, unexpected or wrongly shaped in the checkpoint.
        """
        if self.loaded:
            return
        if self.checkpoint is None:
            raise ValueError(
                'distillation needs a trained teacher: set model.teacher_checkpoint '
                "to its checkpoint's path or URL (or to 'random' for a control "
                'experiment with a random teacher)'
            )
        cfg = resolve_model_config(self.config)
        # The random numbers of the student's training must not depend on the teacher.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            parts = self._build_parts(cfg)
        if self.checkpoint != RANDOM:
            _load_strictly(parts, self.checkpoint)
        self.preprocessor = MODELS.build(
            cfg.get('data_preprocessor') or dict(type='DetDataPreprocessor')
        )
        parts.eval()
        self.backbone, self.neck = fast_inference(
            parts.pop('backbone'), parts.pop('neck')
        )
        for name, head in parts.items():
            self.add_module(name, head)
        self.requires_grad_(False)
        self.eval()

    def _build_parts(self, cfg: ConfigType) -> nn.ModuleDict:
        if not self.with_heads:
            return nn.ModuleDict({part: MODELS.build(cfg[part]) for part in PARTS})
        # The detector tells its heads what of train_cfg and test_cfg is theirs.
        parts = nn.ModuleDict(MODELS.build(cfg).named_children())
        del parts['data_preprocessor']
        return parts

    def read_weights(self) -> dict[str, Tensor]:
        """Read all weights of the teacher's checkpoint, heads included.

        Raises:
            ValueError: If there is no checkpoint.
        """
        if self.checkpoint in (None, RANDOM):
            raise ValueError(
                'model.inherit needs a trained teacher: set model.teacher_checkpoint '
                "to its checkpoint's path or URL"
            )
        return _read_state(self.checkpoint)

    def train(self, mode: bool = True) -> 'Teacher':
        """Stay in evaluation mode, whatever ``mode`` says."""
        return super().train(False)

    def __deepcopy__(self, memo: dict) -> 'Teacher':
        # Copies of the student (an EMA model, say) share the one teacher.
        return self

    @torch.no_grad()
    def forward(
        self,
        images: Tensor,
        data_samples: SampleList,
        preprocessor: ImgDataPreprocessor,
    ) -> tuple[Tensor, ...]:
        """Compute the teacher's maps.

        Args:
            images (Tensor): Images (N, C, H, W) as the student sees them.
            data_samples (list[:obj:`DetDataSample`]): Their ``img_shape`` tells
                image from padding.
            preprocessor (ImgDataPreprocessor): The student's data preprocessor.

        Returns:
            tuple[Tensor]: The neck's maps, finest level first.
        """
        self.load()
        device = images.device
        if self._renormalize is None:
            self._renormalize = Renormalize(preprocessor, self.preprocessor).to(device)
        if next(self.parameters()).device != device:
            self.to(device)
        if any(module.training for module in self.modules()):
            self.eval()
        images = self._renormalize(images, data_samples)
        dtype = self.dtype or native_half(device)
        if dtype is None or (
            self.dtype is None and torch.is_autocast_enabled(device.type)
        ):
            return tuple(self.neck(self.backbone(images)))
        with _precision(device, dtype):
            maps = self.neck(self.backbone(images))
        return tuple(feat.float() for feat in maps)


def _precision(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Compute in ``dtype``, whatever the surroundings do."""
    if dtype == torch.float32:
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, dtype)


def _read_state(checkpoint: str) -> dict[str, Tensor]:
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    state = content.get('state_dict', content)
    return {name.removeprefix('module.'): value for name, value in state.items()}


def _load_strictly(parts: nn.ModuleDict, checkpoint: str) -> None:
    """Read the weights of ``parts`` from a detector's checkpoint."""
    state = {
        name: value
        for name, value in _read_state(checkpoint).items()
        if name.split('.', 1)[0] in parts
    }
    wanted = parts.state_dict()
    # Checkpoints from before PyTorch 1.0 do not count batches.
    missing = [
        name
        for name in wanted
        if name not in state and not name.endswith('num_batches_tracked')
    ]
    unexpected = [name for name in state if name not in wanted]
    wrong = [
        f'{name}: {tuple(state[name].shape)} in the checkpoint, '
        f'{tuple(value.shape)} in the config'
        for name, value in wanted.items()
        if name in state and state[name].shape != value.shape
    ]
    if missing or unexpected or wrong:
        raise ValueError(
            f"the teacher's checkpoint {checkpoint} does not fit its config "
            f'({", ".join(parts)})'
            + _listed('missing in the checkpoint', missing)
            + _listed('not in the config', unexpected)
            + _listed('of another shape', wrong)
            + '\nGive model.teacher the config that the checkpoint was trained with.'
        )
    parts.load_state_dict(state, strict=False)
    print_log(
        f'teacher: {len(state)} weights of {", ".join(parts)} from {checkpoint}',
        logger='current',
    )


def _listed(what: str, names: Sequence[str], most: int = 8) -> str:
    if not names:
        return ''
    rest = [f'... and {len(names) - most} more'] if len(names) > most else []
    return f'\n{len(names)} {what}:' + ''.join(
        f'\n  {name}' for name in [*names[:most], *rest]
    )
