import pytest
import torch
import toys
from torch import nn

from mmreviewkd.distillers.fast_inference import fast_inference, native_half
from mmreviewkd.distillers.teacher import DTYPES, Teacher
from mmreviewkd.losses import HCLLoss


class PreActivation(nn.Module):
    """Norm layer before convolution, but not in the order of the attributes."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3)
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean += 1

    def forward(self, x):
        return (self.conv(self.norm(x)),)


class Identity(nn.Module):
    def forward(self, x):
        return x


def test_batch_normalisation_is_folded(tmp_path):
    config = toys.detector()
    teacher = Teacher(config, toys.save_teacher(config, tmp_path / 'teacher.pth'))
    teacher.load()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in teacher.modules())
    convs = [m for m in teacher.modules() if isinstance(m, nn.Conv2d)]
    assert all(
        conv.weight.is_contiguous(memory_format=torch.channels_last) for conv in convs
    )


@pytest.mark.parametrize('channels', [3, 4])
def test_norm_layer_before_its_convolution_is_left_alone(channels):
    backbone = PreActivation(channels).eval()
    x = torch.rand(1, 3, 9, 9)
    expected = backbone(x)
    fast, _ = fast_inference(backbone, Identity())
    torch.testing.assert_close(fast(x)[0], expected[0])


@pytest.mark.parametrize(('half', 'error'), [(None, 1e-5), (torch.bfloat16, 2**-8 * 8)])
def test_error_of_maps_and_loss(tmp_path, monkeypatch, half, error):
    """As far from plain float32 as the precision explains, the rounding of 20 layers.

    Roundings are independent, so that they grow with the root of their number, and
    bfloat16 rounds by up to 2**-9, twice for each layer.
    """
    monkeypatch.setattr('mmreviewkd.distillers.teacher.native_half', lambda _: half)
    config = toys.detector()
    checkpoint = toys.save_teacher(config, tmp_path / 'teacher.pth')
    detector = toys.build(config).eval()
    detector.load_state_dict(torch.load(checkpoint)['state_dict'])
    data = detector.data_preprocessor(toys.batch(), training=True)
    maps = Teacher(config, checkpoint)(
        data['inputs'], data['data_samples'], detector.data_preprocessor
    )
    with torch.no_grad():
        exact = detector.extract_feat(data['inputs'])
    preds = [feat + 0.5 * feat.std() * torch.randn_like(feat) for feat in exact]
    for feat, other in zip(maps, exact, strict=True):
        assert feat.dtype == torch.float32
        difference = (feat - other).norm() / other.norm()
        assert 0 < difference < error
    loss = HCLLoss()
    assert loss(preds, maps).item() == pytest.approx(loss(preds, exact).item(), error)


def test_precision_under_autocast_is_the_students(tmp_path, monkeypatch):
    monkeypatch.setattr('mmreviewkd.distillers.teacher.native_half', lambda _: None)
    config = toys.detector()
    teacher = Teacher(config, toys.save_teacher(config, tmp_path / 'teacher.pth'))
    preprocessor = toys.build(config).data_preprocessor
    with torch.autocast('cpu', torch.bfloat16):
        maps = teacher(torch.rand(1, 3, 64, 64), [], preprocessor)
    assert {feat.dtype for feat in maps} == {torch.bfloat16}


@pytest.mark.parametrize('amp', [False, True])
@pytest.mark.parametrize('native', [None, torch.bfloat16])
@pytest.mark.parametrize('dtype', DTYPES)
def test_precision_that_is_named_holds_everywhere(
    tmp_path, monkeypatch, dtype, native, amp
):
    monkeypatch.setattr('mmreviewkd.distillers.teacher.native_half', lambda _: native)
    config = toys.detector()
    checkpoint = toys.save_teacher(config, tmp_path / 'teacher.pth')
    teacher = Teacher(config, checkpoint, dtype)
    teacher.load()
    inside = []
    teacher.neck.register_forward_hook(lambda *args: inside.extend(args[-1]))
    preprocessor = toys.build(config).data_preprocessor
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        maps = teacher(torch.rand(1, 3, 64, 64), [], preprocessor)
    assert {feat.dtype for feat in inside} == {getattr(torch, dtype)}
    assert {feat.dtype for feat in maps} == {torch.float32}


def test_unknown_precision():
    with pytest.raises(ValueError, match="teacher_dtype is 'half', but has to be one"):
        toys.build(toys.distilled(None, teacher_dtype='half'))


@pytest.mark.parametrize('amx', [False, True])
@pytest.mark.parametrize('avx512', [False, True])
def test_half_precision_only_where_it_is_native(monkeypatch, amx, avx512):
    monkeypatch.setattr('torch.cpu._is_amx_tile_supported', lambda: amx)
    monkeypatch.setattr('torch.cpu._is_avx512_bf16_supported', lambda: avx512)
    expected = torch.bfloat16 if amx or avx512 else None
    assert native_half(torch.device('cpu')) == expected
    for capability, half in [((7, 5), None), ((8, 0), torch.bfloat16)]:
        monkeypatch.setattr(
            'torch.cuda.get_device_capability', lambda _, value=capability: value
        )
        assert native_half(torch.device('cuda')) == half
