"""Results of runs as the job keeps them, without training."""


def result(box, mask=None, seed=0, step=0.1, memory=0, epochs=(), **metrics):
    """A finished run; AP50 is twice its AP, AP75 half, of small objects a quarter."""
    factors = {'': 1, '_50': 2, '_75': 0.5, '_s': 0.25, '_m': 1, '_l': 1.25}
    final = {f'coco/bbox_mAP{end}': box * by for end, by in factors.items()}
    if mask is not None:
        final |= {f'coco/segm_mAP{end}': mask * by for end, by in factors.items()}
    return dict(
        seed=seed,
        parameters=1_500_000,
        step_seconds=step,
        training_seconds=100.0,
        evaluation_seconds=10.0,
        peak_memory=memory,
        epochs=[
            dict(epoch=2 * i, metrics={'coco/bbox_mAP': ap, 'coco/segm_mAP': ap / 2})
            for i, ap in enumerate(epochs, 1)
        ],
        final=final | metrics,
    )


def by_seed(*aps, **fields):
    """Results of the seeds 0, 1, ..., None where a run is not finished."""
    return {
        seed: None if ap is None else result(ap, seed=seed, **fields)
        for seed, ap in enumerate(aps)
    }
