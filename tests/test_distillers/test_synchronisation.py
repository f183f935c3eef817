import pytest
import torch
import toys
from torch.utils._python_dispatch import TorchDispatchMode

# Each makes the host wait for a GPU.
WAITS = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.equal.default,
    torch.ops.aten.is_nonzero.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
}


class Count(TorchDispatchMode):
    waits = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.waits += func in WAITS
        return func(*args, **(kwargs or {}))


def waits(model):
    """Of a training step up to its gradients, after one that settles things."""
    for _ in range(2):
        with Count() as count:
            loss, _ = model.parse_losses(toys.losses(model, toys.batch()))
            loss.backward()
    return count.waits


@pytest.mark.parametrize(('non_finite', 'expected'), [('stop', 1), ('ignore', 0)])
def test_distillation_waits_once_for_the_device(tmp_path, non_finite, expected):
    """To know before the step whether the losses are finite."""
    detector = toys.detector()
    checkpoint = toys.save_teacher(detector, tmp_path / 'teacher.pth')
    # A normalisation of its own, so that the images have to be changed.
    teacher = toys.detector()
    teacher.data_preprocessor.mean = [100.0, 100.0, 100.0]
    torch.manual_seed(0)
    student = toys.build(detector)
    student.init_weights()
    distilled = toys.build(
        toys.distilled(checkpoint, teacher=teacher, non_finite=non_finite)
    )
    distilled.init_weights()
    distilled.load_state_dict(student.state_dict(), strict=False)
    plain = waits(student.train())
    assert plain > 0
    assert waits(distilled.train()) - plain == expected
