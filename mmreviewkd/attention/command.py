"""Pictures of given images, and a page that gathers them."""

from collections.abc import Sequence
from pathlib import Path

import mmcv
from mmcv.transforms import Compose
from mmdet.models.detectors import BaseDetector
from mmdet.utils import get_test_pipeline_cfg
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from mmreviewkd.files import write_bytes
from mmreviewkd.inference import load_detector
from mmreviewkd.model_config import is_distilled, resolve_model_config
from mmreviewkd.pages import embedded, write_page
from mmreviewkd.plot_style import png

from .picture import draw
from .views import attention_maps, connectors, see


def draw_attention(
    cfg: Config,
    checkpoint: str,
    images: Sequence[str | Path],
    out_dir: str | Path,
    plain: str | None = None,
    score_thr: float = 0.3,
) -> Path:
    """Draw what a distilled detector attends to, beside its teacher.

    Args:
        cfg (Config): Config of a distillation run; ``model.teacher_checkpoint`` has to
            be the teacher's.
        checkpoint (str): One of its checkpoints.
        images (Sequence[str | Path]): Image files.
        out_dir (str | Path): Gets a PNG for each image, and ``attention.html``.
        plain (str, optional): Checkpoint of the same student trained alone, to be shown
            too. Defaults to None.
        score_thr (float): Draw predictions with a score above. Defaults to 0.3.

    Returns:
        Path: The page.

    Raises:
        ValueError: If the config is none of a distillation run.
    """
    if not is_distilled(cfg.model):
        raise ValueError(
            f'model.type is {cfg.model.type}, not DistilledModel: nothing attends '
            'to a review'
        )
    distilled = _load(cfg, cfg.model, checkpoint)
    student, teacher = (
        resolve_model_config(cfg.model[who]) for who in ('student', 'teacher')
    )
    pairs = distilled.lessons[0].pairs
    teacher = _load(cfg, teacher, cfg.model.teacher_checkpoint)
    detectors = [('teacher', teacher, pairs.others)]
    if plain:
        detectors.append(('student alone', _load(cfg, student, plain), pairs.own))
    detectors.append(('distilled', distilled, pairs.own))

    pipeline = Compose(get_test_pipeline_cfg(cfg))
    out_dir = Path(out_dir)
    pictures = []
    for number, path in enumerate(images):
        data = pseudo_collate([pipeline(dict(img_path=str(path), img_id=number))])
        views = [
            see(name, detector, data, features)
            for name, detector, features in detectors
        ]
        attention = [
            attention_maps(one, views[-1].feats) for one in connectors(distilled)
        ]
        image = mmcv.imread(path, channel_order='rgb')
        figure = draw(
            image, views, attention, distilled.dataset_meta['classes'], score_thr
        )
        picture = png(figure)
        write_bytes(out_dir / f'{number}_{Path(path).stem}.png', picture)
        pictures.append((Path(path).name, embedded(picture)))
    page = out_dir / 'attention.html'
    write_page(page, 'attention.html', pictures=pictures, checkpoint=checkpoint)
    return page


def _load(cfg: Config, model: dict, checkpoint: str) -> BaseDetector:
    cfg = cfg.copy()
    cfg.model = model
    return load_detector(cfg, checkpoint)
