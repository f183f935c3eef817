"""The weights of a teacher, from whatever kind of file they are in."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmreviewkd.names import counted, listing

STATES = ('state_dict', 'model', 'module', 'state_dict_ema', 'ema_state_dict')
"""Where checkpoints keep the weights, in the order in which they are looked for."""
OWN = 'distillation.'
"""What a distilled student's checkpoint holds beside the student."""


class Weights(NamedTuple):
    """What a checkpoint holds.

    Args:
        state (dict[str, Tensor]): The weights by name.
        classes (tuple[str], optional): Names of the classes, where it tells them.
    """

    state: dict[str, Tensor]
    classes: tuple[str, ...] | None


def read_weights(
    path: str, mapping: Sequence[tuple[str, str]] | Mapping[str, str] = ()
) -> Weights:
    """Read the weights of a checkpoint.

    Args:
        path (str): Path or URL of a checkpoint of MMEngine, timm or the like, of a
            bare state dict, of a distilled student, or of a safetensors file.
        mapping (Sequence[tuple[str, str]] | Mapping[str, str]): Regular expressions
            and what to put in their place in the names, in this order. Defaults to ().

    Raises:
        ValueError: If there are no weights in it, or ``mapping`` gives two of them one
            name.
    """
    if str(path).endswith('.safetensors'):
        try:
            from safetensors.torch import load_file
        except ImportError as error:
            raise ImportError(
                f'{path} needs safetensors, which is not installed; run pip install '
                'safetensors'
            ) from error
        content: Any = load_file(path)
    else:
        content = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    if not isinstance(content, Mapping):
        raise ValueError(f'{path} holds no weights, but a {type(content).__name__}')
    state = next(
        (content[key] for key in STATES if isinstance(content.get(key), Mapping)),
        content,
    )
    state = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not state:
        raise ValueError(f'{path} holds no weights, but {sorted(map(str, content))}')
    meta = content.get('meta')
    return Weights(
        _rename(state, mapping), _classes(meta if isinstance(meta, dict) else {})
    )


def _rename(
    state: Mapping[str, Tensor], mapping: Sequence[tuple[str, str]] | Mapping[str, str]
) -> dict[str, Tensor]:
    pairs = list(mapping.items() if isinstance(mapping, Mapping) else mapping)
    former: dict[str, str] = {}
    for stored in state:
        name = stored.removeprefix('module.')
        for pattern, replacement in pairs:
            name = re.sub(pattern, replacement, name)
        if name in former:
            raise ValueError(
                f'the weights {former[name]!r} and {stored!r} both become {name!r}; '
                'narrow the patterns of model.teacher_keys'
            )
        former[name] = stored
    return {n: state[former[n]] for n in former if not n.startswith(OWN)}


def _classes(meta: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Find the names of the classes, where MMEngine or MMDetection 2 puts them."""
    of_data = meta.get('dataset_meta') or meta
    classes = of_data.get('classes') or of_data.get('CLASSES')
    return tuple(classes) if classes else None


def load_strictly(model: nn.Module, state: Mapping[str, Tensor], path: str) -> None:
    """Give a model the weights of a checkpoint, all of them.

    A prefix that all of the model's names have in the checkpoint, or that the model
    has and the checkpoint lacks, is passed over, and told. Weights of parts that the
    model does not have, such as heads, are left out.

    Args:
        model (nn.Module): The model.
        state (Mapping[str, Tensor]): The weights.
        path (str): Where they are from, for messages.

    Raises:
        ValueError: If weights are missing, unexpected or wrongly shaped.
    """
    wanted = model.state_dict()
    stored, told = without_prefix(wanted, state, path)
    parts = {name.split('.')[0] for name in wanted}
    stored = {n: value for n, value in stored.items() if n.split('.')[0] in parts}
    # Checkpoints from before PyTorch 1.0 do not count batches.
    missing = [
        name
        for name in wanted
        if name not in stored and not name.endswith('num_batches_tracked')
    ]
    unexpected = [name for name in stored if name not in wanted]
    wrong = [
        f'{name}: {tuple(stored[name].shape)} in the checkpoint, '
        f'{tuple(value.shape)} in the config'
        for name, value in wanted.items()
        if name in stored and stored[name].shape != value.shape
    ]
    if missing or unexpected or wrong:
        raise ValueError(
            f"the teacher's checkpoint {path} does not fit its config "
            f'({", ".join(sorted(parts))}{told})'
            + listing('missing in the checkpoint', missing)
            + listing('not in the config', unexpected)
            + listing('of another shape', wrong)
            + listing('names in the checkpoint', sorted(state) if missing else [])
            + '\nGive model.teacher the config that the checkpoint was trained with, '
            'or rename weights by model.teacher_keys=[(PATTERN, REPLACEMENT), ...].'
        )
    model.load_state_dict(stored, strict=False)
    print_log(
        f'teacher: {counted(len(stored), "weight")} of {", ".join(sorted(parts))} '
        f'from {path}{told}',
        logger='current',
    )


def without_prefix(
    wanted: Collection[str], state: Mapping[str, Tensor], path: str
) -> tuple[dict[str, Tensor], str]:
    """Rename the weights as a model has them, where that takes one prefix.

    Args:
        wanted (Collection[str]): Names of the model's weights.
        state (Mapping[str, Tensor]): The weights.
        path (str): Where they are from, for messages.

    Returns:
        tuple[dict[str, Tensor], str]: The weights, and what to tell about the prefix.

    Raises:
        ValueError: If several prefixes fit.
    """
    names = {name for name in wanted if not name.endswith('num_batches_tracked')}
    if not names & state.keys():
        found = {
            prefix: sum(prefix + name in state for name in names)
            for prefix in _prefixes(state)
        }
        most = max(found.values(), default=0)
        fits = [prefix for prefix in found if found[prefix] == len(names)]
        if len(fits) > 1:
            first = fits[0]
            raise ValueError(
                f"the teacher's checkpoint {path} holds several such models, under the "
                f'prefixes {", ".join(map(repr, fits))}; choose one, as in '
                f"model.teacher_keys=[('^{re.escape(first)}', '')]"
            )
        # Where no prefix fits, that of most weights tells what is missing under it.
        near = [prefix for prefix in found if found[prefix] == most > len(names) / 2]
        for prefix in fits or near:
            stored = {
                name[len(prefix) :]: value
                for name, value in state.items()
                if name.startswith(prefix)
            }
            return stored, f', there under the prefix {prefix!r}'
        for prefix in _prefixes(wanted):
            own = {n for n in names if n.startswith(prefix)}
            if own == names and {n[len(prefix) :] for n in own} <= state.keys():
                # Parts that the model lacks keep their names, and are left out.
                stored = {
                    prefix + name if prefix + name in wanted else name: value
                    for name, value in state.items()
                }
                return stored, f', there without the prefix {prefix!r}'
    return dict(state), ''


def _prefixes(names: Collection[str]) -> Iterator[str]:
    """Yield what names may begin with, the shortest first."""
    found = {'ema_'} if any(name.startswith('ema_') for name in names) else set()
    for name in names:
        parts = name.split('.')
        found |= {'.'.join(parts[:end]) + '.' for end in range(1, min(len(parts), 4))}
    yield from sorted(found, key=lambda prefix: (prefix.count('.'), prefix))
