"""The most memory that this process held during a stretch of work."""

from pathlib import Path
from typing import Self

_RESET_PEAK = "5"
_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """Peak resident memory between entering and leaving; None where the system does not say.

    Attributes:
        peak_mb: megabytes, known once the block has ended.
    """

    def __init__(self) -> None:
        self.peak_mb: int | None = None
        self._is_reset = False

    def __enter__(self) -> Self:
        """Begin a new peak: Linux forgets the old one when told to."""
        try:
            _CLEAR.write_text(_RESET_PEAK)
            self._is_reset = True
        except OSError:
            self._is_reset = False
        return self

    def __exit__(self, *_: object) -> None:
        """Read the peak."""
        if self._is_reset:
            lines = _STATUS.read_text().splitlines()
            found = next(line for line in lines if line.startswith("VmHWM:"))
            self.peak_mb = int(found.split()[1]) // 1024
