"""Pictures of given images, and a page that gathers them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmcv
from mmcv.transforms import Compose
from mmdet.models.detectors import BaseDetector
from mmdet.utils import get_test_pipeline_cfg
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device

from mmreviewkd.errors import UsageError
from mmreviewkd.files import write_bytes
from mmreviewkd.inference import load_detector
from mmreviewkd.model_config import (
    build_model,
    is_distilled,
    model_class,
    resolve_model_config,
    teacher_configs,
    without_pretrained,
)
from mmreviewkd.pages import embedded, write_page
from mmreviewkd.plot_style import png
from mmreviewkd.teachers import Teacher
from mmreviewkd.teachers.teacher import RANDOM
from mmreviewkd.teachers.weights import load_strictly
from mmreviewkd.type_names import type_name

from .picture import draw
from .views import attention_maps, connectors, see, see_both


def draw_attention(
    cfg: Config,
    checkpoint: str,
    images: Sequence[str | Path],
    out_dir: str | Path,
    plain: str | None = None,
    score_thr: float = 0.3,
) -> Path:
    """Draw what a distilled detector attends to, beside its teacher.

    Of several teachers, the first is shown.

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
        UsageError: If the config is none of a distillation run.
        FileNotFoundError: If an image is missing.
    """
    if not is_distilled(cfg.model):
        raise UsageError(
            f'model.type is {type_name(cfg.model)}, not DistilledModel: nothing '
            'attends to a review'
        )
    for path in images:
        if not Path(path).is_file():
            raise FileNotFoundError(f'there is no image {str(path)!r}')
    distilled = _load(cfg, cfg.model, checkpoint)
    lesson = distilled.lessons[0]
    own = lesson.pairs.own
    teacher = _load_teacher(cfg, lesson.teacher)
    detectors = [('distilled', distilled, own)]
    if plain:
        student = resolve_model_config(cfg.model.student)
        detectors.insert(0, ('student alone', _load(cfg, student, plain), own))

    pipeline = Compose(get_test_pipeline_cfg(cfg))
    out_dir = Path(out_dir)
    pictures = []
    for number, path in enumerate(images):
        data = pseudo_collate([pipeline(dict(img_path=str(path), img_id=number))])
        views = [
            see('teacher', teacher, data, lesson.pairs.others)
            if teacher
            else see_both(distilled, data)[0]
        ]
        views += [see(name, model, data, feats) for name, model, feats in detectors]
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


def _load_teacher(cfg: Config, teacher: Teacher) -> BaseDetector | None:
    """Build the teacher with its heads; None if it is no detector."""
    (config, *_) = teacher_configs(cfg.model)
    config = without_pretrained(resolve_model_config(config))
    kind = model_class(config)
    if not (isinstance(kind, type) and issubclass(kind, BaseDetector)):
        return None
    detector: Any = build_model(config)
    if teacher.checkpoint in (None, RANDOM):
        detector.init_weights()
    else:
        load_strictly(detector, teacher.read_weights().state, teacher.checkpoint)
    return detector.to(get_device()).eval()


def _load(cfg: Config, model: dict, checkpoint: str) -> BaseDetector:
    cfg = cfg.copy()
    cfg.model = model
    return load_detector(cfg, checkpoint)
