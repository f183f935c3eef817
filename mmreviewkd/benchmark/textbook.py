"""What the product is compared with: distillation as one writes it without care."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmreviewkd.connectors import ReviewConnector
from mmreviewkd.errors import UsageError
from mmreviewkd.losses import HCLLoss


class TextbookForm(nn.Module):
    """A student with a whole teacher beside it, and the review as the paper draws it.

    The teacher is the detector as its config has it: nothing is folded, and it has the
    layout and the precision of the student.

    Args:
        student (nn.Module): The student.
        teacher (nn.Module): The teacher's whole detector.
        distilled (nn.Module): The product's model. The weights of the review and the
            choice of levels are taken from it.
        whole (bool): Whether the teacher's heads and losses are computed too, as by
            MMRazor's ``SingleTeacherDistill``. Defaults to False: its maps only.

    Raises:
        UsageError: If the distillation is not the review of necks with HCL.
    """

    teacher: Any

    def __init__(
        self, student: Any, teacher: Any, distilled: Any, whole: bool = False
    ) -> None:
        super().__init__()
        (lesson,) = distilled.lessons
        (distillation,) = lesson.distillations
        connector = getattr(distillation, 'connector', None)
        features = [*lesson.pairs.student, *lesson.pairs.teacher]
        if (
            type(connector) is not ReviewConnector
            or type(distillation.loss) is not HCLLoss
            or {one.name for one in features} != {'neck'}
        ):
            raise UsageError(
                'the textbook form is that of ReviewConnector and HCLLoss on the maps '
                'of two necks; leave out --forms for this config'
            )
        self.student: Any = student
        # Past nn.Module's registration, as it is not trained.
        object.__setattr__(self, 'teacher', teacher.eval().requires_grad_(False))
        self.pairs = lesson.pairs
        self.whole = whole
        self.loss_weight = distillation.loss_weight
        self.review: Any = TextbookReview(
            connector.in_channels,
            connector.out_channels,
            connector.levels[0].project.conv.out_channels,
        )
        self.review.load_state_dict(connector.state_dict())
        self.data_preprocessor = student.data_preprocessor
        self.parse_losses = student.parse_losses

    def forward(self, inputs: Tensor, data_samples: list, mode: str) -> dict:
        """Compute the student's losses and the review's."""
        maps: dict[str, Any] = {}

        def keep(name: str) -> Any:
            return lambda *args: maps.update({name: args[-1]})

        hooks = [
            getattr(self, name).neck.register_forward_hook(keep(name))
            for name in ('student', 'teacher')
        ]
        with torch.no_grad():
            if self.whole:
                self.teacher(inputs, data_samples, mode=mode)
            else:
                self.teacher.extract_feat(inputs)
        losses = self.student(inputs, data_samples, mode=mode)
        for hook in hooks:
            hook.remove()
        feats, targets = self.pairs.pick(
            maps['student'], maps['teacher'], inputs.shape[2:]
        )
        outs = self.review(feats)
        loss = sum(map(textbook_hcl, outs, targets))
        return dict(losses, loss_distill=self.loss_weight * loss)


class TextbookReview(nn.Module):
    """The review of figure 3(a), with the names of :class:`ReviewConnector`'s weights.

    Args:
        in_channels (Sequence[int]): Channels of the student's maps, finest first.
        out_channels (Sequence[int]): Those of the teacher's.
        mid_channels (int): Channels of the residual.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        mid_channels: int,
    ) -> None:
        super().__init__()
        self.levels = nn.ModuleList()
        last = len(in_channels) - 1
        for number, (in_, out) in enumerate(
            zip(in_channels, out_channels, strict=True)
        ):
            level: Any = nn.Module()
            level.project = _conv_bn(in_, mid_channels, 1)
            level.output = _conv_bn(mid_channels, out, 3)
            if number < last:
                level.attention = nn.Conv2d(2 * mid_channels, 2, 1)
            self.levels.append(level)

    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Review from the coarsest map to the finest."""
        outs: list[Tensor] = []
        residual = None
        levels: Any = reversed(self.levels)
        for level, feat in zip(levels, reversed(feats), strict=True):
            fused = level.project(feat)
            if residual is not None:
                residual = F.interpolate(residual, size=fused.shape[2:])
                both = torch.cat([fused, residual], dim=1)
                attention = torch.sigmoid(level.attention(both))
                fused = fused * attention[:, :1] + residual * attention[:, 1:]
            outs.insert(0, level.output(fused))
            residual = fused
        return outs


def textbook_hcl(pred: Tensor, target: Tensor) -> Tensor:
    """HCL of one level, as figure 3(b) draws it."""
    loss, weight, total = F.mse_loss(pred, target), 1.0, 1.0
    for side in (4, 2, 1):
        if side >= pred.shape[2]:
            continue
        weight /= 2
        total += weight
        pooled = (F.adaptive_avg_pool2d(one, (side, side)) for one in (pred, target))
        loss = loss + weight * F.mse_loss(*pooled)
    return loss / total


def _conv_bn(in_channels: int, out_channels: int, side: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, side, padding=side // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(out_channels)))
