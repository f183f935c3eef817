"""The frozen teacher."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmreviewkd.features import Feature, FeatureRecorder, measure
from mmreviewkd.features.measure import (
    TRUNK,
    default_features,
    image_channels,
    in_trunk,
    quiet,
    run_trunk,
    run_whole,
)
from mmreviewkd.model_config import (
    build_model,
    resolve_model_config,
    without_pretrained,
)
from mmreviewkd.names import counted
from mmreviewkd.precision import autocast, dtype_of, is_mixed

from .inference import for_inference
from .models import ImageModel
from .precision import choose_dtype, native_half
from .renormalize import Renormalize, keep_direction
from .weights import Weights, load_strictly, read_weights, without_prefix

RANDOM = 'random'
"""The checkpoint's name that asks for a teacher with random weights."""


class Trunk(nn.Module):
    """Backbone and neck of a model, without its heads."""

    def __init__(self, parts: Mapping[str, nn.Module] | nn.ModuleDict) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


class Teacher(nn.Module):
    """A trained model, frozen for good.

    It is built and its weights are read by :meth:`load`, so that a distilled student
    is tested without its teacher. It is always in evaluation mode, has no trainable
    parameter, runs without autograd and sees images in its own normalisation.

    Of an MMEngine model only backbone and neck are built, unless its heads are needed.
    They are made faster, see :func:`for_inference`.

    Args:
        config (str | dict): The model's config, as :func:`resolve_model_config` takes
            it, or that of any registered module, such as :class:`TimmModel`.
        checkpoint (str, optional): Path or URL of its weights, see
            :func:`read_weights`. ``'random'`` asks for random weights, for control
            experiments. Defaults to None: the model brings its own, and says so by its
            attribute ``brings_weights``, as those of timm and torchvision do with
            ``pretrained``.
        dtype (str, optional): Its precision, one of :data:`DTYPES`. Defaults to None:
            the student's under mixed precision; else the half precision that the
            device has natively; else float32. Half precision is given up where its
            maps of the first batch are too far off, see :func:`choose_dtype`.
        features (str | Sequence[str], optional): The modules whose features are
            compared. Defaults to None: the neck, or the backbone where there is none.
        keys (Sequence[tuple[str, str]]): How to rename the weights of the checkpoint,
            see :func:`read_weights`. Defaults to ().

    Attributes:
        with_heads (bool): Whether the whole model is built.
        classes (tuple[str], optional): Names of its classes, where its checkpoint
            tells them.
    """

    def __init__(
        self,
        config: str | dict,
        checkpoint: str | None,
        dtype: str | None = None,
        features: str | Sequence[str] | None = None,
        keys: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__()
        self.dtype = dtype_of(dtype, 'model.teacher_dtype')
        self.config = config
        self.checkpoint = checkpoint
        self.keys = keys
        self.with_heads = False
        self.classes: tuple[str, ...] | None = None
        self._features = [features] if isinstance(features, str) else features
        self._names_read: frozenset[str] = frozenset()
        self._chosen: torch.dtype | None = None
        self._renormalize: Renormalize | None = None

    @property
    def loaded(self) -> bool:
        """bool: Whether the teacher has been built and its weights read."""
        return hasattr(self, 'model')

    @property
    def has_checkpoint(self) -> bool:
        """bool: Whether its weights are those of a file, not its own or random ones."""
        return self.checkpoint not in (None, RANDOM)

    @property
    def backbone(self) -> Any:
        """nn.Module: The backbone of the loaded model."""
        return self.model.backbone

    def measure(self) -> list[Feature]:
        """Measure its features, without its weights."""
        cfg = resolve_model_config(self.config)
        with torch.random.fork_rng(devices=[]):
            # Some modules compute with numbers when they are built.
            with suppress(Exception), torch.device('meta'):
                return self._measure(cfg)
            return self._measure(cfg)

    def _measure(self, cfg: dict) -> list[Feature]:
        # A copy each time: some heads change their configs.
        model = self._build_model(without_pretrained(cfg))
        return measure(model, self._names(model), 'teacher')

    def _names(self, model: nn.Module) -> Sequence[str]:
        return self._features or default_features(model, 'teacher')

    def load(self, run_preprocessor: nn.Module | None = None) -> None:
        """Build the teacher and read its weights, once.

        Args:
            run_preprocessor (nn.Module, optional): The student's data preprocessor,
                which the teacher takes where its config has none. Defaults to None.

        Raises:
            ValueError: If there is no checkpoint, or weights of what is built are
                missing, unexpected or wrongly shaped in it.
        """
        if self.loaded:
            return
        cfg = resolve_model_config(self.config)
        if self.checkpoint is not None:
            cfg = without_pretrained(cfg)
        # The random numbers of the student's training must not depend on the teacher.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = self._build_model(cfg)
        if self.checkpoint is None and not getattr(model, 'brings_weights', False):
            raise ValueError(
                'distillation needs a trained teacher: set model.teacher_checkpoint '
                "to its checkpoint's path or URL (or to 'random' for a control "
                'experiment with a random teacher)'
            )
        if self.checkpoint not in (None, RANDOM):
            weights = self.read_weights()
            state = weights.state
            if isinstance(model, ImageModel):
                state = model.rename_weights(state)
            load_strictly(model, state, self.checkpoint)
            self._names_read = frozenset(model.state_dict())
            self.classes = weights.classes
        self._preprocessor = self._build_preprocessor(cfg, model, run_preprocessor)
        model.eval()
        names = self._names(model)
        if set(names) <= set(TRUNK):
            parts = dict(model.named_children())
            trunk = Trunk({name: parts[name] for name in TRUNK if name in parts})
            for name, part in for_inference(trunk).named_children():
                setattr(model, name, part)
        self.model = model
        self.requires_grad_(False)
        self.eval()
        self._recorder = FeatureRecorder(self.model, names, 'teacher')

    def _build_model(self, cfg: dict) -> nn.Module:
        # MMPretrain's configs leave the preprocessor's type to the model's class.
        preprocessor = cfg.get('data_preprocessor')
        typed = not preprocessor or 'type' in preprocessor
        if isinstance(cfg.get('backbone'), dict) and typed:
            names = self._features or TRUNK
            if not self.with_heads and in_trunk(names):
                return Trunk(self._build_parts(cfg))
        model = build_model(cfg)
        self._initialize(model.children())
        return model

    def _build_parts(self, cfg: dict) -> nn.ModuleDict:
        """Build those of backbone and neck that the model has."""
        scope = cfg.get('_scope_')
        parts = nn.ModuleDict(
            {part: build_model(cfg[part], scope) for part in TRUNK if cfg.get(part)}
        )
        self._initialize(parts.values())
        return parts

    def _initialize(self, parts: Iterable[Any]) -> None:
        """Give a teacher with random weights those of an untrained model."""
        for part in parts if self.checkpoint == RANDOM else ():
            first = next(part.parameters(), None)
            if hasattr(part, 'init_weights') and first is not None:
                if not first.is_meta:
                    with quiet():
                        part.init_weights()

    def _build_preprocessor(
        self, cfg: dict, model: nn.Module, of_run: nn.Module | None
    ) -> nn.Module:
        own = cfg.get('data_preprocessor')
        if own and 'type' in own:
            built: Any = build_model(own, cfg.get('_scope_'))
        else:
            built = getattr(model, 'data_preprocessor', None)
        if own or hasattr(built, 'mean'):
            keep_direction(built, own)
            return built
        if of_run is None:
            raise ValueError(
                'the teacher has no data_preprocessor, so it is not known how it '
                'expects its images; add one to its config'
            )
        print_log(
            'teacher: its config has no data_preprocessor, so it sees the images as '
            "the student does, in the run's normalisation; if it was trained with "
            'another, add model.teacher.data_preprocessor',
            logger='current',
            level=logging.WARNING,
        )
        return of_run

    def read_weights(self) -> Weights:
        """Read all weights of the teacher's checkpoint, heads included.

        Once the teacher is loaded they have its names, without a prefix.

        Raises:
            ValueError: If there is no checkpoint.
        """
        if self.checkpoint in (None, RANDOM):
            raise ValueError(
                'model.inherit needs a trained teacher: set model.teacher_checkpoint '
                "to its checkpoint's path or URL"
            )
        weights = read_weights(self.checkpoint, self.keys)
        if not self._names_read:
            return weights
        state, _ = without_prefix(self._names_read, weights.state, self.checkpoint)
        return weights._replace(state=state)

    def train(self, mode: bool = True) -> 'Teacher':
        """Stay in evaluation mode, whatever ``mode`` says."""
        return super().train(False)

    @torch.no_grad()
    def forward(
        self,
        images: Tensor,
        data_samples: Sequence[Any] | None,
        preprocessor: nn.Module,
    ) -> tuple[Tensor, ...]:
        """Compute the teacher's features.

        Args:
            images (Tensor): Images (N, C, H, W) as the student sees them.
            data_samples (Sequence, optional): Their ``img_shape`` tells image from
                padding.
            preprocessor (nn.Module): The student's data preprocessor.

        Returns:
            tuple[Tensor]: All features of the modules that are compared, in float32
            unless mixed precision is on around it.
        """
        if not self.loaded:
            self.load(preprocessor)
            self.to(images)
        device = images.device
        if self._renormalize is None:
            self._check_channels(images)
            self._renormalize = Renormalize(preprocessor, self._preprocessor).to(images)
        if next(self.parameters()).device != device:
            self.to(device)
        if any(module.training for module in self.modules()):
            self.eval()
        images = self._renormalize(images, data_samples)

        def run() -> tuple[Tensor, ...]:
            return self._run(images, data_samples)

        mixed = is_mixed(device)
        dtype = self.dtype or self._chosen
        if dtype is None:
            wanted = torch.get_autocast_dtype(device.type) if mixed else None
            wanted = wanted or native_half(device)
            if images.dtype == torch.float64:
                wanted = None
            dtype = self._chosen = choose_dtype(run, device, wanted)
        with autocast(device, dtype):
            maps = run()
        keep = mixed and self.dtype is None
        return tuple(x if keep or x.dtype == torch.float64 else x.float() for x in maps)

    def _run(
        self, images: Tensor, data_samples: Sequence[Any] | None
    ) -> tuple[Tensor, ...]:
        with self._recorder as recorder:
            if in_trunk(recorder.names):
                run_trunk(self.model, images)
            else:
                run_whole(self.model, images, data_samples)
        feats = tuple(x for name in recorder.names for x in recorder.tensors(name))
        recorder.clear()
        return feats

    def _check_channels(self, images: Tensor) -> None:
        """Refuse images that the teacher's first convolution cannot take."""
        wanted = image_channels(self.model)
        mean = getattr(self._preprocessor, 'mean', None)
        given = images.shape[1]
        if given == 1 and mean is not None and len(mean) == 3:
            given = 3  # gray images become three equal channels
        if wanted != given:
            raise ValueError(
                f'the teacher takes images of {counted(wanted, "channel")}, the '
                f"student's have {images.shape[1]}; take a teacher for such images, or "
                'give the student the images that the teacher was trained with'
            )
