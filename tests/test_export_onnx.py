import copy

import numpy as np
import pytest
import torch
import toys
from mmengine.config import Config, ConfigDict

from mmreviewkd import export_onnx as module
from mmreviewkd.errors import UsageError
from mmreviewkd.export_onnx import export_onnx
from mmreviewkd.inference import load_detector

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')
SIZE = (64, 96)


CONFIG = toys.resolve(
    ConfigDict(
        _base_='mmdet::retinanet/retinanet_r18_fpn_1x_coco.py',
        backbone=dict(base_channels=4, stem_channels=4, init_cfg=None),
        neck=dict(in_channels=[4, 8, 16, 32], out_channels=8),
        bbox_head=dict(in_channels=8, feat_channels=8, stacked_convs=1, num_classes=2),
    )
)
PIPELINE = dict(dataset=dict(pipeline=[dict(type='LoadImageFromFile')]))


@pytest.fixture(scope='module')
def retinanet():
    torch.manual_seed(0)
    model = toys.build(CONFIG).eval()
    model.init_weights()
    model.dataset_meta = dict(classes=('cat', 'dog'))
    return model


def test_outputs_are_those_of_the_detector(retinanet, tmp_path):
    path = tmp_path / 'new' / 'model.onnx'
    result = export_onnx(retinanet, path, SIZE)
    assert result.difference < 1e-4
    session = onnxruntime.InferenceSession(path)
    images = np.random.default_rng(1).uniform(0, 255, (1, 3, *SIZE)).astype('float32')
    found = session.run(None, dict(images=images))
    # As the detector itself prepares an image, which its pipeline reads as BGR.
    inputs = retinanet.data_preprocessor(
        dict(inputs=[torch.from_numpy(images[0])[[2, 1, 0]]], data_samples=None)
    )
    with torch.no_grad():
        scores, boxes = retinanet._forward(inputs['inputs'])
    expected = [*scores, *boxes]
    assert len(found) == len(expected) == len(result.shapes)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one.shape == result.shapes[f'output_{number}']
        assert one == pytest.approx(other.numpy(), abs=1e-3)
    meta = session.get_modelmeta().custom_metadata_map
    assert meta == dict(classes='["cat", "dog"]')


@pytest.mark.parametrize('changes', [dict(bgr_to_rgb=False, rgb_to_bgr=True), {}])
def test_channels_go_to_the_detector_in_its_order(retinanet, changes, tmp_path):
    """A data preprocessor says by another field that the detector takes BGR."""
    cfg = Config(dict(model=copy.deepcopy(CONFIG), test_dataloader=PIPELINE))
    cfg.model.data_preprocessor.update(changes)
    path = str(tmp_path / 'model.pth')
    meta = dict(dataset_meta=retinanet.dataset_meta)
    torch.save(dict(state_dict=retinanet.state_dict(), meta=meta), path)
    model = load_detector(cfg, path, device='cpu')
    raw = module._RawOutputs(model, SIZE).eval()
    image = 255 * torch.rand(3, *SIZE)
    # Images as the detector's pipeline reads them: the preprocessor turns them round.
    read = image if changes else image[[2, 1, 0]]
    inputs = model.data_preprocessor(dict(inputs=[read], data_samples=None))['inputs']
    with torch.no_grad():
        found, (scores, boxes) = raw(image[None]), model._forward(inputs)
    torch.testing.assert_close(found, (*scores, *boxes))


def test_outputs_that_differ_are_an_error():
    ones = [torch.ones(2), torch.full((2,), 100.0)]
    close = [np.float32([1, 1.0005]), np.float32([100, 100.05])]
    assert module._compare(['a', 'b'], ones, close) == pytest.approx(5e-4, rel=1e-2)
    far = [close[0], np.float32([100, 101])]
    with pytest.raises(UsageError, match="b of .* differs from PyTorch's by 1"):
        module._compare(['a', 'b'], ones, far)


def test_two_stages_are_refused(tmp_path):
    model = toys.build(toys.detector())
    with pytest.raises(UsageError, match='FasterRCNN cannot be written as ONNX'):
        export_onnx(model, tmp_path / 'model.onnx', SIZE)


def test_what_cannot_be_traced_is_said(retinanet, tmp_path, monkeypatch):
    def export(*args, **options):
        raise TypeError('a branch depends on the data\nat line 3')

    monkeypatch.setattr(torch.onnx, 'export', export)
    with pytest.raises(
        UsageError, match='cannot write RetinaNet as ONNX: TypeError: a branch .*data$'
    ):
        export_onnx(retinanet, tmp_path / 'model.onnx', SIZE)
    assert not list(tmp_path.iterdir())
