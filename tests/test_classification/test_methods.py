"""The methods of configs/methods/ on classifiers."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config

from mmreviewkd.detection import ObjectDistillation
from mmreviewkd.files import configs_folder
from mmreviewkd.model_config import build_model

METHODS = configs_folder() / 'methods'
NAMES = [
    *('review', 'review_standardized', 'reverse_review', 'reverse'),
    *('mkd', 'mkd_r', 'skd', 'skd_r', 'rlf', 'rlf_abf', 'rlf_hcl'),
    *(
        'kd',
        'kd_standardized',
        'dkd',
        'fitnet',
        'at',
        'sp',
        'pkt',
        'rkd',
        'crd',
        'ofd',
        'cwd',
        'pkd',
    ),
]


def classifier(width, classes=5):
    return dict(
        type='ImageClassifier',
        num_classes=classes,
        backbone=dict(
            type='CIFARResNet', depth=8, channels=[width * n for n in (1, 1, 2, 4)]
        ),
        data_preprocessor=dict(
            type='ImageBatchPreprocessor', mean=[127.5] * 3, std=[60.0] * 3
        ),
    )


def distilled(method, **fields):
    torch.manual_seed(0)
    model = build_model(
        dict(
            type='DistilledModel',
            student=classifier(4),
            teacher=fields.pop('teacher', classifier(8)),
            teacher_checkpoint='random',
            distillation=method,
        )
        | fields,
        'mmengine',
    )
    model.init_weights()
    return model.train()


def batch(count=6):
    torch.manual_seed(1)
    return torch.randn(count, 3, 32, 32), torch.arange(count) % 5


@pytest.mark.parametrize('name', NAMES)
def test_method_trains(name):
    path = METHODS / f'{name}.py'
    if 'TorchdistillLoss' in path.read_text():
        pytest.importorskip('torchdistill', reason='torchdistill is not installed')
    method = Config.fromfile(path).method
    method.pop('_delete_')
    model = distilled(method)
    losses = model(*batch(), mode='loss')
    assert losses['loss_distill'].isfinite() and losses['loss_distill'] > 0
    model.parse_losses(losses)[0].backward()
    assert all(
        p.grad is not None and p.grad.isfinite().all() for p in model.parameters()
    )


def test_kd_is_the_divergence_of_the_scores():
    images, labels = batch()
    kd = dict(type='LogitDistillation', temperature=4.0, loss_weight=2.0)
    model = distilled(kd, teacher_dtype='float32')
    found = model(images, labels, mode='loss')['loss_distill']
    student, teacher = model(images), model.teacher.model(images)
    expected = 0.0
    for own, other in zip(student, teacher, strict=True):
        p, q = F.softmax(other / 4, 0), F.softmax(own / 4, 0)
        expected += 16 * float((p * (p / q).log()).sum()) / len(images)
    assert found.item() == pytest.approx(2 * expected, rel=1e-4)


def test_dkd_takes_the_images_labels():
    """Without the other classes' part: the divergence of true class or any other."""
    images, labels = batch()
    model = distilled(
        dict(type='DKD', temperature=2.0, beta=0.0), teacher_dtype='float32'
    )
    own = model(images, labels, mode='loss')['loss_distill']
    scores, theirs = model(images), model.teacher.model(images)
    expected = 0.0
    for label, one, other in zip(labels, scores, theirs, strict=True):
        p, q = F.softmax(other / 2, 0)[label], F.softmax(one / 2, 0)[label]
        term = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
        expected += 4 * float(term) / len(images)
    assert own.item() == pytest.approx(expected, rel=1e-3)


def test_kd_needs_the_same_classes():
    model = distilled(dict(type='LogitDistillation'), teacher=classifier(8, classes=7))
    with pytest.raises(ValueError, match='5 classes apart, the teacher 7'):
        model(*batch(), mode='loss')


def test_relations_are_those_of_the_images_vectors():
    class Remembering(ObjectDistillation):
        def compare(self, preds, targets):
            self.vectors = preds, targets
            return preds.sum()

    images, labels = batch()
    model = distilled(dict(type=Remembering), teacher_dtype='float32').eval()
    model(images, labels, mode='loss')
    own, other = model.distillation[0].vectors
    torch.testing.assert_close(own, model.backbone(images)[-1])
    expected = model.teacher.model.backbone(images)[-1]
    assert other.shape == expected.shape == (6, 32)
    torch.testing.assert_close(other, expected)


def test_review_gets_the_size_of_the_teachers_maps():
    """As a ShuffleNet's, whose maps have half the size of its teacher's."""
    student = dict(classifier(4), backbone=dict(type='CIFARShuffleNetV1'))
    fields = dict(
        student=student, resize='review', levels=[(0, 0), (1, 1), (2, 2), (3, 3)]
    )
    method = Config.fromfile(METHODS / 'review.py').method
    method.pop('_delete_')
    model = distilled(method, **fields)
    images, labels = batch(2)
    sizes = []
    model.distillation[0].connector.register_forward_hook(
        lambda _, inputs, outs: sizes.append([tuple(x.shape[1:]) for x in outs])
    )
    losses = model(images, labels, mode='loss')
    assert sizes == [[(8, 32, 32), (16, 16, 16), (32, 8, 8), (32, 1, 1)]]
    assert losses['loss_distill'].isfinite()


def test_maps_of_other_sizes_are_refused_without_resize():
    student = dict(classifier(4), backbone=dict(type='CIFARShuffleNetV1'))
    with pytest.raises(ValueError, match="or model.resize='review' to give"):
        distilled(
            dict(Config.fromfile(METHODS / 'review.py').method),
            student=student,
            levels=[(0, 0), (1, 1)],
        )


def test_no_mmdetection_is_loaded():
    """In a process of its own: other tests load it here."""
    import subprocess
    import sys

    code = (
        'import sys, mmreviewkd\n'
        'from mmengine.config import Config\n'
        'from mmreviewkd.model_config import build_model\n'
        f'cfg = Config.fromfile({str(METHODS.parent)!r} + "/classification/cifar100/'
        'reviewkd_resnet32x4_resnet8x4.py")\n'
        'build_model(cfg.model, "mmengine")\n'
        'assert not [n for n in sys.modules if n.split(".")[0] == "mmdet"]\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
