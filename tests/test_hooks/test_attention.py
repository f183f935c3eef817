import cv2
import torch
import toys
from coco_sets import POLYGON, write_coco
from mmengine.config import Config
from mmengine.runner import Runner
from runs import small_run


def train(data, folder, hooks):
    cfg = small_run('reviewkd_frcnn.py', data)
    cfg.model = toys.distilled(toys.save_teacher(toys.detector(), folder / 't.pth'))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.metainfo = dict(classes=('a', 'b', 'c'))
    cfg.train_dataloader.batch_size = 2
    cfg.work_dir = str(folder / 'run')
    cfg.experiment_name = cfg.visualizer.name = f'attention-{len(hooks)}'
    cfg.custom_hooks = hooks
    # MMEngine writes the config several times; laying it out takes long.
    runner = Runner.from_cfg(Config(cfg.to_dict(), format_python_code=False))
    runner.train()
    return runner


def test_pictures_do_not_change_training(tmp_path):
    data = write_coco(
        tmp_path / 'data', ('a', 'b', 'c'), segmentation=POLYGON, images_each=4
    )
    (tmp_path / 'without').mkdir()
    hook = dict(type='AttentionHook', interval=1, images=1)
    drawn = train(data, tmp_path, [hook])
    plain = train(data, tmp_path / 'without', [])

    pictures = sorted((tmp_path / 'run').rglob('vis_image/*.png'))
    assert [path.name for path in pictures] == [
        'attention_0_1.png',
        'attention_0_2.png',
    ]
    assert min(cv2.imread(str(pictures[0])).shape[:2]) > 500
    expected = plain.model.state_dict()
    for name, value in drawn.model.state_dict().items():
        assert torch.equal(value, expected[name]), name
