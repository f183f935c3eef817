import pytest
import torch
import toys
from torch import nn

from mmreviewkd.teachers import Teacher
from mmreviewkd.teachers.inference import for_inference


class PreActivation(nn.Module):
    """Norm layer before convolution, but not in the order of the attributes."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3)
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean += 1

    def forward(self, x):
        return (self.conv(self.norm(x)),)


def test_batch_normalisation_is_folded(tmp_path):
    config = toys.detector()
    teacher = Teacher(config, toys.save_teacher(config, tmp_path / 'teacher.pth'))
    teacher.load()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in teacher.modules())


@pytest.mark.parametrize('channels', [3, 4])
def test_norm_layer_before_its_convolution_is_left_alone(channels):
    model = nn.Module()
    model.backbone = PreActivation(channels).eval()
    x = torch.rand(1, 3, 9, 9)
    expected = model.backbone(x)
    found = for_inference(model)
    assert isinstance(found.backbone.norm, nn.BatchNorm2d)
    torch.testing.assert_close(found.backbone(x)[0], expected[0])


class OneSize(nn.Module):
    """Takes images of one size only, as transformers may."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 1), *layers)

    def forward(self, x):
        assert x.shape[2:] == (24, 24)
        return self.layers(x)


@pytest.mark.parametrize('layers', [[], [nn.BatchNorm2d(4)]])
def test_what_cannot_be_compared_is_left_alone(layers, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmreviewkd.teachers.inference.print_log', lambda text, **_: said.append(text)
    )
    model = nn.Module()
    model.backbone = OneSize(*layers).eval()
    assert for_inference(model) is model
    assert len(said) == 1 + len(layers)


class ByRows(nn.Conv2d):
    """Looks at its weights as rows, as weight standardisation does."""

    def forward(self, x):
        rows = self.weight.view(len(self.weight), -1)
        weight = (rows - rows.mean(1, keepdim=True)).view_as(self.weight)
        return self._conv_forward(x, weight, self.bias)


def test_plain_convolutions_alone_have_the_channels_last():
    model = nn.Module()
    model.backbone = nn.Sequential(nn.Conv2d(3, 8, 3), ByRows(8, 8, 3)).eval()
    x = torch.rand(1, 3, 32, 32)
    expected = model.backbone(x)
    found = for_inference(model)
    plain, rows = (conv.weight for conv in found.backbone)
    assert plain.is_contiguous(memory_format=torch.channels_last)
    assert rows.is_contiguous()
    torch.testing.assert_close(found.backbone(x), expected)
