import logging
from types import SimpleNamespace

import pytest
from mmengine.hooks import EarlyStoppingHook
from mmengine.logging import MessageHub

from mmreviewkd.job.record import KEY, RecordHook

AP = 'coco/bbox_mAP'


@pytest.fixture
def resumed():
    """A function that resumes a run, and tells how its early stopping stands."""

    def resume(*aps, patience=3):
        hub = MessageHub('record')
        epochs = [
            dict(epoch=epoch, metrics={AP: ap}) for epoch, ap in enumerate(aps, 1)
        ]
        hub.update_info(KEY, dict(epochs=epochs))
        hook = EarlyStoppingHook(AP, rule='greater', patience=patience)
        loop = SimpleNamespace(
            val_begin=1, val_interval=1, max_epochs=9, stop_training=False
        )
        runner = SimpleNamespace(
            message_hub=hub,
            hooks=[hook],
            train_loop=loop,
            epoch=len(aps),
            logger=logging.getLogger('record'),
        )
        RecordHook().before_train(runner)
        return hook.best_score, hook.wait_count, loop.stop_training

    return resume


def test_patience_goes_on_where_it_was(resumed):
    # It has waited for the last two epochs.
    assert resumed(0.1, 0.4, 0.2, 0.3) == (0.4, 2, False)


def test_run_whose_patience_is_over_ends(resumed):
    assert resumed(0.4, 0.2, 0.3, patience=2) == (0.4, 2, True)


def test_new_run_has_waited_for_nothing(resumed):
    assert resumed() == (-float('inf'), 0, False)
