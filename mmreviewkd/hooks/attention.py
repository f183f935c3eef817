"""Pictures of what the connector attends to, while it is trained."""

from mmengine.dataset import pseudo_collate
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from .distilled_model import distilled_model


@HOOKS.register_module()
class AttentionHook(Hook):
    """Draws what the connector attends to, every so many iterations.

    The first validation images are drawn, as ``tools/attention.py`` does it, but for
    the teacher's predictions. The pictures go to the backends of the runner's
    visualizer: files, TensorBoard, Weights & Biases.

    Args:
        interval (int): Iterations from one time to the next. Defaults to 1000.
        images (int): Number of images. Defaults to 2.
        score_thr (float): Draw predictions with a score above. Defaults to 0.3.
    """

    def __init__(
        self, interval: int = 1000, images: int = 2, score_thr: float = 0.3
    ) -> None:
        self._interval = interval
        self._images = images
        self._score_thr = score_thr

    @master_only
    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Draw, where it is time."""
        if not self.every_n_train_iters(runner, self._interval):
            return
        # Drawing needs matplotlib, which runs without pictures do not load.
        import mmcv

        from mmreviewkd.attention import attention_maps, connectors, draw, see_both
        from mmreviewkd.plot_style import png

        model = distilled_model(runner, self)
        dataset = runner.val_dataloader.dataset
        model.eval()
        for number in range(min(self._images, len(dataset))):
            views = see_both(model, pseudo_collate([dataset[number]]))
            sample = views[-1].sample
            figure = draw(
                mmcv.imread(sample.img_path, channel_order='rgb'),
                views,
                [attention_maps(one, views[-1].feats) for one in connectors(model)],
                runner.visualizer.dataset_meta['classes'],
                self._score_thr,
            )
            picture = mmcv.imfrombytes(png(figure), channel_order='rgb')
            runner.visualizer.add_image(f'attention_{number}', picture, runner.iter + 1)
        model.train()
