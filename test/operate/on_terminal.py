"""Runs a command on a terminal of its own: on_terminal.py COLUMNS ROWS COMMAND ...

What the command writes goes to the standard output. Lines on the standard input: "keys HEX", "size COLUMNS ROWS",
"signal NUMBER". At its end one line of JSON goes to the standard error: its status, and whether the terminal
echoes and reads lines, as before.
"""

import fcntl
import json
import os
import select
import struct
import sys
import termios


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


ours, theirs = os.openpty()
resize(ours, int(sys.argv[1]), int(sys.argv[2]))
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(theirs, fd)
    os.execvp(sys.argv[3], sys.argv[3:])

pending = b""
watched = [ours, 0]
status = None
while True:
    ready, _, _ = select.select(watched, [], [], 0.05)
    if ours in ready:
        os.write(1, os.read(ours, 65536))
    elif status is not None:
        break
    if 0 in ready:
        read = os.read(0, 65536)
        if not read:
            watched = [ours]
        pending += read
        *lines, pending = pending.split(b"\n")
        for line in lines:
            what, *rest = line.decode().split()
            if what == "keys":
                os.write(ours, bytes.fromhex(rest[0]))
            elif what == "size":
                resize(ours, int(rest[0]), int(rest[1]))
            elif what == "signal":
                os.kill(child, int(rest[0]))
    if status is None:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)

flags = termios.tcgetattr(ours)[3]
result = {"status": status, "echoes": bool(flags & termios.ECHO), "reads_lines": bool(flags & termios.ICANON)}
print(json.dumps(result), file=sys.stderr)
