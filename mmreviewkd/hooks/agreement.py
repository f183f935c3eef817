"""What the processes of a run agree on, without waiting for each other."""

from collections.abc import Callable

import torch
from mmengine.dist import get_comm_device, get_world_size
from torch import distributed


class Agreement:
    """The highest number that any process has named, one call later.

    A call starts to compare its number with those of the other processes in the
    background, and returns the result of the call before: the same in all processes,
    and there by then, so that nothing waits. All processes have to call it equally
    often. A single process gets its own number at once.
    """

    def __init__(self) -> None:
        self._read: Callable[[], int] | None = None

    def highest(self, own: int) -> int:
        """Name a number.

        Args:
            own (int): This process's number, 0 or more.

        Returns:
            int: The highest of those that the processes named in the last call; 0 in
            the first. Of a single process, ``own``.
        """
        if get_world_size() == 1:
            return own
        agreed = self.finish()
        # Nothing is started that would still run when the processes leave.
        if not agreed:
            self._read = _start(own)
        return agreed

    def finish(self) -> int:
        """Wait for what the last call has started; return its result, else 0."""
        read, self._read = self._read, None
        return read() if read else 0


def _start(own: int) -> Callable[[], int]:
    """Start the comparison; return what waits for it and reads the result."""
    device = get_comm_device()
    # Filled on the device: a copy from here would wait.
    flag = torch.full((1,), own, dtype=torch.int32, device=device)
    work = distributed.all_reduce(flag, distributed.ReduceOp.MAX, async_op=True)
    if device.type != 'cuda':

        def read() -> int:
            work.wait()
            return int(flag)

        return read
    # Reading the flag on the training's stream would wait for the step that runs there.
    host = torch.empty(1, dtype=torch.int32, pin_memory=True)
    with torch.cuda.stream(torch.cuda.Stream()):
        work.wait()
        host.copy_(flag, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record()

    def read_from_gpu(flag: torch.Tensor = flag) -> int:  # its memory is in use
        copied.synchronize()
        return int(host)

    return read_from_gpu
