"""Settings of the process."""

from __future__ import annotations

from lazy import _lazy


class Config:
    """What holds for all calls of this process.

    >>> import lazy
    >>> lazy.config.threads = 1
    >>> lazy.config
    Config(threads=1)
    >>> lazy.config.threads = None
    """

    __slots__ = ()

    @property
    def threads(self) -> int:
        """How many threads a call may use, its own included.

        Set it to a number, or to None for the default: what the environment variable
        ``RAYON_NUM_THREADS`` said when the process began, or else what the machine has. Results are the
        same for any number.

        Raises:
            ValueError: if it is set to a number below 1.
        """
        return _lazy.threads()

    @threads.setter
    def threads(self, number: int | None) -> None:
        if number is not None and number < 1:
            raise ValueError(f"a call needs at least one thread, not {number}")
        _lazy.set_threads(number or 0)

    def __repr__(self) -> str:
        return f"Config(threads={self.threads})"


config = Config()
