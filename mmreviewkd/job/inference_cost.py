"""What a detector costs at inference: floating-point operations, and time."""

import logging
import time
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.analysis import FlopAnalyzer
from mmengine.logging import print_log
from mmengine.runner import Runner

PREDICTIONS = 20
WARM_UP = 2
SECONDS = 20.0
"""Where predictions are slow, as many as fit into this time are timed."""


def measure_inference_cost(runner: Runner) -> dict[str, Any]:
    """Measure operations and latency on validation images, one at a time.

    Args:
        runner (Runner): Of the finished run.

    Returns:
        dict: ``gflops``, billions of operations for the first image, counted by
        MMEngine, a multiplication with its addition as one; None where it cannot trace
        the model. ``latency_ms``: median milliseconds of a prediction, without loading
        the image. ``input_size``: width and height of the first image as the model
        gets it, in pixels.
    """
    model = runner.model
    # A wrapper for several processes is only for training.
    model = getattr(model, 'module', model)
    was_training = model.training
    model.eval()
    loader = runner.val_loop.dataloader
    try:
        with torch.no_grad():
            batch = model.data_preprocessor(_single(loader, 0), False)
            height, width = batch['inputs'].shape[-2:]
            return dict(
                gflops=_count_operations(model, batch),
                latency_ms=_time_predictions(model, loader),
                input_size=[width, height],
            )
    finally:
        model.train(was_training)


def _count_operations(model: Any, batch: dict) -> float | None:
    # As MMDetection's tool does it: tracing passes the images alone.
    model.forward = partial(model.forward, data_samples=batch['data_samples'])
    try:
        counter = FlopAnalyzer(model, batch['inputs'])
        # Each operator that it does not count, and each part that prediction skips.
        counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        operations = counter.tracer_warnings('none').total()
    # Whatever a model does that torch.jit cannot trace.
    except Exception as error:
        print_log(
            f'operations cannot be counted: {type(error).__name__}: {error}',
            logger='current',
            level=logging.WARNING,
        )
        return None
    finally:
        del model.forward
    return operations / 1e9


def _time_predictions(model: Any, loader: Any) -> float:
    times: list[float] = []
    for number in range(WARM_UP + PREDICTIONS):
        batch = _single(loader, number)
        _wait_for_device()
        start = time.perf_counter()
        model.test_step(batch)
        _wait_for_device()
        times.append(time.perf_counter() - start)
        if len(times) > WARM_UP and sum(times) > SECONDS:
            break
    return round(1e3 * float(np.median(times[WARM_UP:])), 3)


def _single(loader: Any, number: int) -> dict:
    """Give a batch of one validation image."""
    return loader.collate_fn([loader.dataset[number % len(loader.dataset)]])


def _wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
