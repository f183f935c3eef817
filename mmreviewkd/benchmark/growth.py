"""How the cost of distillation grows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from mmengine.config import Config

from mmreviewkd.plot_style import save, styled
from mmreviewkd.tables import markdown

from .benchmark import benchmark

SIZES = ((128, 224), (192, 320), (256, 448), (384, 640))
BATCHES = (1, 2, 4)
# A GPU is not filled by these.
GPU_SIZES = ((256, 448), (512, 864), (800, 1344), (1088, 1824))
GPU_BATCHES = (1, 2, 4, 8, 16)
LEVELS = ((64,), (32, 64), (16, 32, 64), (8, 16, 32, 64), (4, 8, 16, 32, 64))
MID_CHANNELS = (64, 128, 256, 512)
LINES = {
    'student step': '#d95f02',
    'distilled step': '#1b6ca8',
    'teacher': '#4d4d4d',
    'connector and loss': '#2a9d5c',
}
WITH_PEAK = 'connector and loss'


def measure_growth(
    cfg: Config, rounds: int = 2, say: Callable[[str], Any] = print
) -> dict[str, dict[str, dict]]:
    """Measure with one thing changed at a time.

    Args:
        cfg (Config): Config of a distillation run, whose levels have the strides 4 to
            64 and whose distillation has a :class:`ReviewConnector`.
        rounds (int): How often each part is measured. Defaults to 2.
        say (Callable): Is told how far it is. Defaults to print.

    Returns:
        dict: For each thing that was changed, for each of its values the result of
        :func:`benchmark`.
    """
    result: dict[str, dict[str, dict]] = {}
    measured: dict[str, dict] = {}
    for what, value, changes, arguments in _variants():
        changed = cfg.copy()
        changed.merge_from_dict(changes)
        say(f'{what}: {value}')
        # What all have in common is measured once.
        same = repr((changed.model, arguments))
        if same not in measured:
            measured[same] = benchmark(
                changed, **arguments, rounds=rounds, say=lambda _: None
            )
        result.setdefault(what, {})[value] = measured[same]
    return result


def _variants() -> Iterator[tuple[str, str, dict, dict]]:
    on_gpu = torch.cuda.is_available()
    sizes, batches = (GPU_SIZES, GPU_BATCHES) if on_gpu else (SIZES, BATCHES)
    base = sizes[1]
    for size in sizes:
        yield 'image size', f'{size[0]}x{size[1]}', {}, _images(size)
    for batch in batches:
        yield 'images in a step', str(batch), {}, _images(base, batch)
    for levels in LEVELS:
        changes = {} if levels == LEVELS[-1] else {'model.levels': levels}
        yield 'levels', str(len(levels)), changes, _images(base)
    for channels in MID_CHANNELS:
        changes = {'model.distillation.connector.mid_channels': channels}
        yield 'mid_channels', str(channels), changes, _images(base)


def _images(size: tuple[int, int], batch: int = 1) -> dict:
    return dict(size=size, batch_size=batch)


def growth_table(result: dict[str, dict[str, dict]]) -> str:
    """Write the result of :func:`measure_growth` as Markdown."""
    rows = [['changed, times in ms', *LINES, 'its peak, MiB']]
    for what, values in result.items():
        for value, parts in values.items():
            cells = [f'{1e3 * parts[name]["seconds"]:.1f}' for name in LINES]
            cells.append(f'{parts[WITH_PEAK]["peak_mib"]:.0f}')
            rows.append([f'{what}: {value}', *cells])
    return markdown(rows)


def plot_growth(result: dict[str, dict[str, dict]], path: Path) -> None:
    """Plot what :func:`growth_table` lists: time above, memory below."""
    with styled():
        figure = Figure(figsize=(3.2 * len(result), 6.4), layout='constrained')
        panels = figure.subplots(2, len(result), sharex='col', sharey='row')
        for row, (key, label, names) in zip(
            panels,
            [
                ('seconds', 'seconds', tuple(LINES)),
                ('peak_mib', 'peak memory, MiB', (WITH_PEAK,)),
            ],
            strict=True,
        ):
            row[0].set_ylabel(label)
            for axes, (what, values) in zip(row, result.items(), strict=True):
                for name in names:
                    heights = [parts[name][key] for parts in values.values()]
                    axes.plot(
                        list(values), heights, color=LINES[name], marker='o', label=name
                    )
                if key == 'peak_mib':
                    axes.set_xlabel(what)
            # Shared by the row, so not before all its lines are drawn.
            row[0].set_ylim(bottom=0)
        figure.legend(
            *panels[0][0].get_legend_handles_labels(), loc='outside upper left', ncols=5
        )
        save(figure, path)
