from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel

from mmreviewkd.job import inference_cost as module
from mmreviewkd.job.inference_cost import measure_inference_cost


class Net(BaseModel):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.seen = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.seen.append((mode, data_samples))
        return self.conv(torch.stack(list(inputs)) if mode == 'predict' else inputs)


class Untraceable(Net):
    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'tensor':
            raise RuntimeError('no trace of this')
        return super().forward(inputs, data_samples, mode)


def preprocessor(batch, training=False):
    return dict(
        inputs=torch.stack(list(batch['inputs'])), data_samples=batch['data_samples']
    )


@pytest.fixture(params=[Net])
def runner(request):
    model = request.param().train()
    model.data_preprocessor = torch.nn.Identity()
    model.data_preprocessor.forward = preprocessor
    images = [dict(inputs=torch.rand(3, 8, 10), data_samples='sample')] * 2
    loader = SimpleNamespace(dataset=images, collate_fn=pseudo_collate)
    return SimpleNamespace(model=model, val_loop=SimpleNamespace(dataloader=loader))


def test_costs(runner):
    cost = measure_inference_cost(runner)
    # 8 x 10 pixels, 4 channels, 3 x 3 x 3 weights: 8640 multiplications and additions.
    assert cost['gflops'] == pytest.approx(8640e-9, abs=1e-12)
    assert cost['latency_ms'] > 0
    assert cost['input_size'] == [10, 8]
    assert runner.model.training
    modes = [mode for mode, _ in runner.model.seen]
    assert modes.count('predict') == module.WARM_UP + module.PREDICTIONS
    assert {str(sample) for _, sample in runner.model.seen} == {"['sample']"}


def test_slow_predictions_are_few(runner, monkeypatch):
    monkeypatch.setattr(module, 'SECONDS', 0.0)
    measure_inference_cost(runner)
    modes = [mode for mode, _ in runner.model.seen]
    assert modes.count('predict') == module.WARM_UP + 1


@pytest.mark.parametrize('runner', [Untraceable], indirect=True)
def test_model_that_cannot_be_traced(runner, monkeypatch):
    said = []
    monkeypatch.setattr(module, 'print_log', lambda text, **_: said.append(text))
    cost = measure_inference_cost(runner)
    assert cost['gflops'] is None and cost['latency_ms'] > 0
    assert said == ['operations cannot be counted: RuntimeError: no trace of this']
