import math

import batches
import pytest
import torch

from mmreviewkd.detection import FGD
from mmreviewkd.detection.fgd import attentions, focal_parts, object_mask


def test_mask_by_hand():
    """One position has 4 pixels; where objects overlap, the smaller one counts."""
    boxes = torch.tensor([[0.0, 0, 8, 12], [5, 4, 7, 6]])
    mask = object_mask(boxes, (4, 3), (16, 12))
    expected = [[1 / 6, 1 / 6, 0], [1 / 6, 1, 0], [1 / 6, 1 / 6, 0], [0, 0, 0]]
    torch.testing.assert_close(mask, torch.tensor(expected))


def test_mask_of_an_object_that_touches_positions_in_part():
    mask = object_mask(torch.tensor([[3.0, 1, 5, 2]]), (2, 3), (8, 12))
    assert mask.tolist() == [[0.5, 0.5, 0], [0, 0, 0]]


def test_mask_of_an_object_without_extent():
    mask = object_mask(torch.tensor([[4.0, 0, 4, 0]]), (2, 3), (8, 12))
    assert mask.tolist() == [[0, 1, 0], [0, 0, 0]]


def test_mask_of_no_objects():
    assert not object_mask(torch.zeros(0, 4), (2, 3), (8, 12)).any()


def test_attentions_by_hand():
    """Means of |x|: 1 and 2 of positions, 0.5 and 2.5 of channels."""
    feat = torch.tensor([[[[0.0, -1.0]], [[-2.0, 3.0]]]], dtype=torch.double)
    places, channels = attentions(feat, temperature=0.5)
    a = 2 / (1 + math.exp(2))
    assert places.flatten().tolist() == pytest.approx([a, 2 - a])
    b = 2 / (1 + math.exp(4))
    assert channels.flatten().tolist() == pytest.approx([b, 2 - b])


def slow_parts(pred, target, mask, temperature):
    """The equations of the paper, position by position."""
    images, channels, height, width = pred.shape
    sums = [0.0] * 4
    for n in range(images):
        attention = []
        for feat in (target[n], pred[n]):
            place = {
                (y, x): sum(abs(feat[c, y, x].item()) for c in range(channels))
                / channels
                for y in range(height)
                for x in range(width)
            }
            channel = {
                c: sum(
                    abs(feat[c, y, x].item())
                    for y in range(height)
                    for x in range(width)
                )
                / (height * width)
                for c in range(channels)
            }
            for values in (place, channel):
                exps = {k: math.exp(v / temperature) for k, v in values.items()}
                attention.append(
                    {k: len(exps) * v / sum(exps.values()) for k, v in exps.items()}
                )
        places, by_channel, own_places, own_channels = attention
        rest = sum(1 for value in mask[n].flatten().tolist() if value == 0)
        for (y, x), place in places.items():
            for c, channel in by_channel.items():
                error = (pred[n, c, y, x] - target[n, c, y, x]).item() ** 2
                sums[0] += error * place * channel * mask[n, y, x].item()
                if mask[n, y, x] == 0:
                    sums[1] += error * place * channel / rest
        sums[2] += sum(abs(own_channels[k] - v) for k, v in by_channel.items())
        sums[3] += sum(abs(own_places[k] - v) for k, v in places.items())
    return [value / images for value in sums]


def maps(*shape):
    torch.manual_seed(0)
    return torch.randn(2, *shape, dtype=torch.double)


@pytest.mark.parametrize('side', [1, 3])
def test_parts_as_in_the_equations(side):
    pred, target = maps(2, 3, side, side)
    mask = (torch.rand(2, side, side, dtype=torch.double) - 0.5).clamp(min=0)
    parts = focal_parts(pred, target, mask, 0.5)
    expected = slow_parts(pred, target, mask, 0.5)
    assert [part.item() for part in parts] == pytest.approx(expected, rel=1e-12)


def test_parts_where_objects_are_everywhere():
    pred, target = maps(2, 3, 2, 2)
    _, background, _, _ = focal_parts(pred, target, torch.ones(2, 2, 2), 0.5)
    assert background == 0


def test_parts_gradients():
    pred, target = maps(2, 2, 2, 3)
    mask = torch.tensor([[[0.5, 0.5, 0], [0, 0, 0]]]).double().expand(2, 2, 3)
    pred.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda pred: sum(focal_parts(pred, target, mask, 0.5)), pred
    )


def test_forward_is_the_weighted_sum_of_its_parts():
    batch = batches.batch([[[8, 0, 24, 16]], []])
    distillation = FGD([4, 4], [4, 4], 0.5, 1.0, 10.0, 100.0, 1000.0).double()
    # Its last convolution starts at 0, where the block does nothing.
    for block in distillation.modules():
        if isinstance(block, torch.nn.Conv2d):
            torch.nn.init.normal_(block.weight)
    expected = 0.0
    for level, (pred, target) in enumerate(
        zip(batch.feats, batch.targets, strict=True)
    ):
        scale = 1 / math.sqrt(target.square().mean() + 1e-5)
        pred, target = scale * pred, scale * target
        size = pred.shape[2:]
        mask = torch.stack(
            [object_mask(boxes, size, (32, 32)) for boxes in batch.boxes]
        )
        fg, bg, channels, places = slow_parts(pred, target, mask, 0.5)
        relation = slow_relation(
            pred, distillation.student_contexts[level]
        ) - slow_relation(target, distillation.teacher_contexts[level])
        # 256 channels stand for 4, and 89250 positions for the 16 and 4 here.
        expected += 64 * (fg + 10 * bg + 100 * channels)
        expected += 89250 / 20 * 100 * places
        expected += 64 * 89250 / 20 * 1000 * relation.square().sum().item() / 2
    assert distillation(batch)['loss'].item() == pytest.approx(expected, rel=1e-9)


def slow_relation(feat, block):
    """GcBlock: attention pooling, bottleneck, addition to every position."""
    outs = []
    for one in feat:
        columns = one.flatten(1)
        logits = block.conv_mask.weight.flatten() @ columns + block.conv_mask.bias
        context = columns @ (logits.exp() / logits.exp().sum())
        first, norm, _, last = block.channel_add_conv
        hidden = first.weight.flatten(1) @ context + first.bias
        hidden = (hidden - hidden.mean()) / (hidden.var(correction=0) + norm.eps).sqrt()
        hidden = hidden * norm.weight.flatten() + norm.bias.flatten()
        added = last.weight.flatten(1) @ hidden.clamp(min=0) + last.bias
        outs.append(one + added[:, None, None])
    return torch.stack(outs)


def test_equal_maps_give_0():
    batch = batches.batch([[[8, 0, 24, 16]], []])
    batch.feats = batch.targets
    assert FGD([4, 4], [4, 4]).double()(batch)['loss'] == 0


def test_maps_of_zeros_and_no_objects():
    batch = batches.batch([[], []])
    batch.targets = tuple(torch.zeros_like(target) for target in batch.targets)
    batch.feats = tuple(torch.zeros_like(feat).requires_grad_() for feat in batch.feats)
    distillation = FGD([4, 4], [4, 4]).double()
    loss = distillation(batch)['loss']
    loss.backward()
    assert loss == 0
    assert all(torch.isfinite(feat.grad).all() for feat in batch.feats)


def test_other_channels_than_the_teachers_are_aligned():
    batch = batches.batch([[[8, 0, 24, 16]]])
    batch.targets = tuple(target.repeat(1, 2, 1, 1) for target in batch.targets)
    distillation = FGD([4, 4], [8, 8]).double()
    distillation(batch)['loss'].backward()
    assert all(conv.weight.grad.any() for conv in distillation.alignments)
