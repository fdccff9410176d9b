"""Runs a command on a pseudo-terminal, answers what it asks, and prints what the terminal got.

    on_terminal.py QUESTION ANSWERS COMMAND...

Each time the text QUESTION appears, the next word of ANSWERS (separated by spaces; `^D` ends the input) is typed. When the answers are
used up, nothing more is typed. The exit code is that of the command; a command that waits for more than a minute is killed, with 124.
"""

import os
import pty
import select
import signal
import sys
import time

LIMIT = 60


def main() -> int:
    question, answers, command = sys.argv[1].encode(), sys.argv[2].split(), sys.argv[3:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    seen, unanswered = b"", b""
    end = time.monotonic() + LIMIT
    while True:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            sys.stdout.buffer.write(seen)
            return 124
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        seen += piece
        unanswered += piece
        while question and answers and question in unanswered:
            _, unanswered = unanswered.split(question, 1)
            answer = answers.pop(0)
            os.write(terminal, b"\x04" if answer == "^D" else answer.encode() + b"\n")
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(seen)
    return os.waitstatus_to_exitcode(status)


sys.exit(main())
