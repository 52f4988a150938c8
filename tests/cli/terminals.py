"""Two real terminals for tests, which type into a command and read its screen.

``Pty`` is what Unix itself has; ``Tmux`` is a terminal as a person uses it. Both offer
``type``, ``screen`` and ``wait_for``; the last line of a screen is "ended with" the exit code.
"""

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import tinyhf

ROOT = Path(tinyhf.__file__).parents[1]
PATIENCE = 30  # seconds, for a machine that is busy

#: Runs a command, tells on the screen how it ended, and keeps the screen open. Ctrl-C is for the
#: command, not for this shell.
TELLING = ["sh", "-c", 'trap : INT; "$@"; echo "ended with $?"; exec sleep 60', "sh"]

CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"


def environment():
    """No escape sequences; this checkout, from any folder."""
    return {**os.environ, "TERM": "dumb", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


class Terminal:
    """What both have in common."""

    def wait_for(self, *texts):
        """The screen, as soon as all the texts stand on it, in this order."""
        end = time.monotonic() + PATIENCE
        pattern = re.compile(".*".join(map(re.escape, texts)), re.DOTALL)
        while time.monotonic() < end:
            if pattern.search(screen := self.screen()):
                return screen
            time.sleep(0.02)
        raise AssertionError(f"{texts} never came:\n{self.screen()}")


class Pty(Terminal):
    """A terminal of the command's own, so that Ctrl-C typed there reaches it."""

    def __init__(self, command, folder):
        import fcntl
        import pty
        import termios

        self.ours, its = pty.openpty()
        self.process = subprocess.Popen(
            [*TELLING, *command],
            stdin=its,
            stdout=its,
            stderr=its,
            cwd=folder,
            env=environment(),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(its)
        self.read = b""

    def type(self, keys):
        os.write(self.ours, keys.encode())

    def screen(self):
        """All that was ever written."""
        while select.select([self.ours], [], [], 0)[0]:
            try:
                piece = os.read(self.ours, 65536)
            except OSError:  # the command has ended
                break
            if not piece:
                break
            self.read += piece
        return self.read.decode(errors="replace").replace("\r\n", "\n")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


class Tmux(Terminal):
    """A tmux server of its own, with one window."""

    def __init__(self, command, folder):
        self.socket = str(Path(folder) / "tmux")
        variables = ("TERM=dumb", f"PYTHONPATH={ROOT}", "OMP_NUM_THREADS=1")
        self.tmux(
            "-f", os.devnull, "new-session", "-d", "-x", "100", "-y", "40", "-c", folder,
            "env", *variables, *TELLING, *command,
        )  # fmt: skip

    def tmux(self, *arguments):
        command = ["tmux", "-S", self.socket, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def type(self, keys):
        self.tmux("send-keys", "-l", keys)

    def screen(self):
        """With the lines that have left it above; wrapped lines as one."""
        return self.tmux("capture-pane", "-p", "-J", "-S", "-").rstrip("\n")

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)


def chat(*options):
    """The command line of a chat."""
    return [sys.executable, "-m", "tinyhf", "chat", *map(str, options)]
