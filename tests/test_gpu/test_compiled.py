"""``torch.compile`` of a whole distilled step."""

import pytest
import torch
import toys

from mmreviewkd.benchmark.variants import NEEDS_GPU, change

# Compiling to C++ takes minutes, and the tracing is the same.
BACKENDS = dict(cpu='eager', cuda='inductor')


def steps(model, count=2):
    """Losses and gradients of some steps."""
    found = []
    for seed in range(count):
        model.zero_grad()
        losses = toys.losses(model, toys.batch(seed=seed))
        model.parse_losses(losses)[0].backward()
        gradient = model.distillation[0].connector.levels[0].output.conv.weight.grad
        found.append((losses['loss_distill'].detach(), gradient.clone()))
    return found


@pytest.fixture
def build(tmp_path, device):
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')

    def build():
        torch.manual_seed(0)
        model = toys.build(toys.distilled(checkpoint)).to(device)
        model.init_weights()
        return model.train()

    return build


def assert_same(found, expected):
    for (loss, gradient), (other, others) in zip(found, expected, strict=True):
        torch.testing.assert_close(loss, other, rtol=1e-3, atol=0)
        difference = torch.linalg.vector_norm(gradient - others)
        assert difference <= 0.02 * torch.linalg.vector_norm(others)


def test_the_whole_step(build, device):
    expected = steps(build())
    torch.compiler.reset()
    model = build()
    model.forward = torch.compile(model.forward, backend=BACKENDS[device.type])
    assert_same(steps(model), expected)


@pytest.mark.gpu
@pytest.mark.parametrize(
    'names', [*NEEDS_GPU, 'teacher-compiled', 'review-compiled', '+'.join(NEEDS_GPU)]
)
def test_variants_on_a_gpu(tmp_path, names):
    """Several steps of other images: a map that is read too early would differ."""
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    results = []
    for variant in ('no-wait', names):
        torch.compiler.reset()
        torch.manual_seed(0)
        model = toys.build(toys.distilled(checkpoint)).cuda()
        model.init_weights()
        change(model.train(), variant)
        results.append(steps(model, 4))
    assert_same(*results)
