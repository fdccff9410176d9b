"""Which lines of the application run while the scenarios do."""
from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Dict, Iterator, List, Optional, Set

Trace = Callable[[FrameType, str, Any], Any]


class Lines:
    """The lines that have run, by file of the application in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = str(root.resolve()) + "/"
        self.by_file: Dict[str, Set[int]] = {}

    def enter(self, frame: FrameType, _event: str, _argument: Any) -> Optional[Trace]:
        name = frame.f_code.co_filename
        # Of the driver and the scenarios nothing is asked, and following them would take most of the time.
        if not name.startswith(self.root):
            return None
        ran = self.by_file.setdefault(name[len(self.root):], set())

        def follow(frame: FrameType, event: str, _argument: Any) -> Trace:
            if event == "line":
                ran.add(frame.f_lineno)
            return follow

        return follow

    def listed(self) -> Dict[str, List[int]]:
        return {name: sorted(lines) for name, lines in sorted(self.by_file.items())}


@contextmanager
def followed(root: Path) -> Iterator[Lines]:
    """Of this thread, in which the whole application runs."""
    lines = Lines(root)
    sys.settrace(lines.enter)
    try:
        yield lines
    finally:
        sys.settrace(None)
