"""``torch.compile`` of a whole distilled step, and of its parts.

On the CPU tests/test_distillers/test_odd_models.py compiles a smaller one.
"""

import pytest
import torch
import toys

from mmreviewkd.benchmark.variants import NEEDS_GPU, change

pytestmark = pytest.mark.gpu


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
def build(tmp_path):
    """Build a model on the GPU, always the same."""
    checkpoint = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')

    def build():
        torch.compiler.reset()
        torch.manual_seed(0)
        model = toys.build(toys.distilled(checkpoint)).cuda()
        model.init_weights()
        return model.train()

    return build


def assert_same(found, expected):
    for (loss, gradient), (other, others) in zip(found, expected, strict=True):
        torch.testing.assert_close(loss, other, rtol=1e-3, atol=0)
        difference = torch.linalg.vector_norm(gradient - others)
        assert difference <= 0.02 * torch.linalg.vector_norm(others)


def test_the_whole_step(build):
    expected = steps(build())
    model = build()
    model.forward = torch.compile(model.forward)
    assert_same(steps(model), expected)


@pytest.mark.parametrize(
    'names', [*NEEDS_GPU, 'teacher-compiled', 'review-compiled', '+'.join(NEEDS_GPU)]
)
def test_variants(build, names):
    """Several steps of other images: a map that is read too early would differ."""
    expected = steps(build(), 4)
    model = build()
    change(model, names)
    assert_same(steps(model, 4), expected)
