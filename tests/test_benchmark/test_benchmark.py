import json
import runpy

import pytest
import torch
import toys
from mmengine.config import Config
from mmengine.model import BaseModel

from mmreviewkd.benchmark import Setting, benchmark, table
from mmreviewkd.benchmark.benchmark import FORMS, PARTS, _forms, _place
from mmreviewkd.benchmark.step import Step, build_models, make_optimizer
from mmreviewkd.benchmark.variants import NEEDS_GPU, change
from mmreviewkd.errors import UsageError
from mmreviewkd.estimate import CARDS


@pytest.mark.parametrize('kind', ['frcnn', 'mrcnn'])
def test_all_parts_are_measured(kind):
    cfg = Config(dict(model=toys.distilled('unread.pth', kind, levels=[8, 16])))
    result = benchmark(cfg, (64, 96), 2, rounds=2, warmup=0, say=lambda _: None)
    assert list(result) == list(PARTS)
    for row in result.values():
        assert len(row['values']) == 2 and min(row['values']) > 0
        assert row['peak_mib'] > 0
    assert result['student step']['ratio'] == 1.0
    whole = result['distilled step']['peak_mib']
    assert whole > result['student step']['peak_mib']
    assert len(table(result).splitlines()) == 2 + len(PARTS)


def test_models_are_of_the_runs_library(other_library):
    other_library.register_module('Net', module=toys.Classifier)
    preprocessor = dict(type='ImageBatchPreprocessor', mean=[120] * 3, std=[60] * 3)
    model = dict(type='Net', data_preprocessor=preprocessor)
    distilled = toys.distilled('random', student=model, teacher=dict(model))
    cfg = Config(dict(default_scope='other', model=distilled))
    result = benchmark(cfg, (64, 96), 2, rounds=1, warmup=0, say=lambda _: None)
    assert list(result) == list(PARTS)


def test_the_student_does_the_same_work_alone_and_distilled(monkeypatch):
    """The same weights, so the same proposals."""
    losses = []
    parse = BaseModel.parse_losses

    def note(self, values):
        loss, log = parse(self, values)
        losses.append({name: log[name].item() for name in ('loss_cls', 'loss_bbox')})
        return loss, log

    monkeypatch.setattr(BaseModel, 'parse_losses', note)
    cfg = Config(dict(model=toys.distilled(None)))
    # All proposals are learned from: no choice at random.
    cfg.model.student.train_cfg.rcnn.sampler.num = 10000
    benchmark(cfg, (64, 96), 1, rounds=1, warmup=0, say=lambda _: None)
    alone, distilled = losses[:2]
    assert alone == pytest.approx(distilled, rel=1e-4)
    assert alone['loss_bbox'] > 0


def test_tool(tmp_path, monkeypatch, capsys):
    Config(dict(model=toys.distilled(None))).dump(tmp_path / 'config.py')
    monkeypatch.setattr(
        'sys.argv',
        f'benchmark.py {tmp_path}/config.py --size 64 64 --batch 2 --rounds 1 '
        f'--operators --out {tmp_path}/out.json'.split(),
    )
    runpy.run_path(
        str(toys.CONFIGS.parent / 'tools' / 'benchmark.py'), run_name='__main__'
    )
    printed = capsys.readouterr().out
    assert '| distilled step: training step with the' in printed
    assert '| operator | student step | teacher | connector and loss |' in printed
    (found,) = json.loads((tmp_path / 'out.json').read_text())
    assert (found['config'], found['batch'], found['precision']) == (
        'config',
        2,
        'float32',
    )
    assert list(found['result']) == list(PARTS)


def test_forms_and_variants_have_the_same_loss():
    """So they do the same work; float32, since numbers are compared."""
    cfg = Config(dict(model=toys.distilled(None)))
    setting = Setting(
        forms=True,
        variants=['no-wait+review-compiled'],
        channels_last=True,
        card=CARDS['H100'],
    )
    with torch.compiler.set_stance('force_eager'):
        result = benchmark(
            cfg, (64, 96), 1, rounds=1, warmup=0, say=lambda _: None, setting=setting
        )
    expected = result['distilled step']['loss']
    assert expected > 0
    others = [*FORMS, 'distilled step, no-wait+review-compiled']
    for name in others:
        assert result[name]['loss'] == pytest.approx(expected, rel=1e-3), name
    for name in ('teacher', 'connector and loss'):
        row = result[name]
        # In float32 an H100 does 494e12 operations a second, and moves 3350e9 bytes.
        least = max(row['flops'] / 494e12, row['nbytes'] / 3350e9)
        assert 0 < 0.999 * least <= row['floor']
    assert '| textbook step: ' in table(result)


@pytest.mark.parametrize('amp', [torch.bfloat16, torch.float16])
def test_mixed_precision_scales_float16_only(amp):
    model = toys.build(toys.detector()).train()
    step = Step(model, make_optimizer(model), toys.batch(), amp)
    inside = []
    model.neck.register_forward_hook(lambda *args: inside.extend(args[-1]))
    step()
    assert {feat.dtype for feat in inside} == {amp}
    assert (step.scaler.get_scale() > 1) == (amp == torch.float16)
    assert step.log['loss'] > 0


def test_variants_that_do_not_exist_or_need_a_gpu(monkeypatch):
    model = toys.build(toys.distilled(None))
    with pytest.raises(UsageError, match='no-weight: write some of teacher-compiled'):
        change(model, 'no-wait+no-weight')
    for name in NEEDS_GPU:
        with pytest.raises(UsageError, match=f'{name} needs a GPU'):
            change(model, name)


def test_teacher_with_weights_in_half_precision(tmp_path):
    """The same maps as where each step converts the weights."""
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    losses = []
    for names in ('no-wait', 'teacher-half'):
        torch.manual_seed(0)
        model = toys.build(toys.distilled(checkpoint, teacher_dtype='bfloat16'))
        model.init_weights()
        change(model, names)
        losses.append(toys.losses(model.train(), toys.batch())['loss_distill'])
    assert next(model.teacher.parameters()).dtype == torch.bfloat16
    torch.testing.assert_close(*losses, rtol=1e-4, atol=0)


def test_all_models_are_on_the_device():
    cfg = Config(dict(model=toys.distilled(None)))
    student, distilled = build_models(cfg.model)
    device = torch.device('meta')
    for model in [*_forms(cfg, student, distilled).values(), distilled]:
        _place(model, device, Setting())
        assert model.data_preprocessor.device == device
        for part in (model, model.teacher):
            assert {one.device for one in part.parameters()} == {device}


def test_the_textbook_form_is_for_the_review_only():
    config = toys.distilled(None)
    config['distillation'] = dict(
        type='FeatureDistillation',
        connector=dict(type='ConvConnector'),
        loss=dict(type='L2DistillLoss'),
    )
    cfg = Config(dict(model=config))
    with pytest.raises(UsageError, match='leave out --forms'):
        benchmark(cfg, (64, 64), 1, 1, 0, setting=Setting(forms=True))
