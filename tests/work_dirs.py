"""What MMEngine leaves in the work directory of a training."""

import json
from pathlib import Path


def write_session(
    folder: Path,
    session: str,
    points: list[dict],
    config: str = 'a = 1\n',
    log: str = '',
) -> Path:
    """Write one session of a training, named by its time."""
    vis_data = folder / session / 'vis_data'
    vis_data.mkdir(parents=True)
    lines = [json.dumps(point) + '\n' for point in points]
    (vis_data / 'scalars.json').write_text(''.join(lines))
    (vis_data / 'config.py').write_text(config)
    (vis_data.parent / f'{session}.log').write_text(log)
    return folder


def step(number: int, **scalars) -> dict:
    """Give what is logged after a training step."""
    return dict(**scalars, epoch=1, iter=number, step=number)
