import pytest
import torch
import toys

from mmreviewkd.losses import HCLLoss
from mmreviewkd.precision import DTYPES
from mmreviewkd.teachers import Teacher
from mmreviewkd.teachers.precision import choose_dtype, native_half


@pytest.mark.parametrize(('half', 'error'), [(None, 1e-5), (torch.bfloat16, 2**-8 * 8)])
def test_error_of_maps_and_loss(tmp_path, monkeypatch, half, error):
    """As far from plain float32 as the precision explains, the rounding of 20 layers.

    Roundings are independent, so that they grow with the root of their number, and
    bfloat16 rounds by up to 2**-9, twice for each layer.
    """
    monkeypatch.setattr('mmreviewkd.teachers.teacher.native_half', lambda _: half)
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
    monkeypatch.setattr('mmreviewkd.teachers.teacher.native_half', lambda _: None)
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
    monkeypatch.setattr('mmreviewkd.teachers.teacher.native_half', lambda _: native)
    config = toys.detector()
    checkpoint = toys.save_teacher(config, tmp_path / 'teacher.pth')
    teacher = Teacher(config, checkpoint, dtype)
    teacher.load()
    inside = []
    teacher.model.neck.register_forward_hook(lambda *args: inside.extend(args[-1]))
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


def off_by(share):
    """A teacher whose map is off by a share in half precision, and the calls of it."""
    calls = []

    def run():
        half = torch.is_autocast_enabled('cpu')
        calls.append(half)
        return [torch.ones(4), torch.full((4,), 1 + share * half)]

    return run, calls


@pytest.mark.parametrize(
    'share, expected', [(0.01, torch.bfloat16), (0.05, torch.float32)]
)
def test_half_precision_is_kept_where_the_maps_are(share, expected, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmreviewkd.teachers.precision.print_log', lambda text, **_: said.append(text)
    )
    run, calls = off_by(share)
    assert choose_dtype(run, torch.device('cpu'), torch.bfloat16) == expected
    assert calls == [False, True]
    assert ('off by 5.0% there, beyond 2%' in ''.join(said)) == (share > 0.02)


def test_an_operator_without_half_precision():
    def run():
        if torch.is_autocast_enabled('cpu'):
            raise RuntimeError('"deform_conv2d" not implemented for BFloat16')
        return [torch.ones(1)]

    assert choose_dtype(run, torch.device('cpu'), torch.bfloat16) == torch.float32


def test_float32_needs_no_measurement():
    assert choose_dtype(None, torch.device('cpu'), None) == torch.float32


def test_the_choice_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(
        'mmreviewkd.teachers.teacher.native_half', lambda _: torch.bfloat16
    )
    monkeypatch.setattr('mmreviewkd.teachers.precision.BOUND', 1e-9)
    config = toys.detector()
    teacher = Teacher(config, toys.save_teacher(config, tmp_path / 'teacher.pth'))
    teacher.load()
    inside = []
    teacher.model.neck.register_forward_hook(lambda *args: inside.append(args[-1][0]))
    preprocessor = toys.build(config).data_preprocessor
    for _ in range(2):
        teacher(torch.rand(1, 3, 64, 64), [], preprocessor)
    dtypes = [torch.float32, torch.bfloat16, torch.float32, torch.float32]
    assert [feat.dtype for feat in inside] == dtypes
