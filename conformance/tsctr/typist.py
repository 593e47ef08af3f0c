"""typist.py COMMAND 'TEXT->KEYS'...: runs COMMAND at a terminal of 24 by 80; waits for each TEXT, then types KEYS and a return.

Prints what the terminal showed, without carriage returns and escapes, and ends with the command's exit status. KEYS with
a backslash are typed as they are, without a return.
"""
import os, pty, re, select, struct, sys, time, fcntl, termios

LIMIT_S = 100

def show(data):
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", data).replace(b"\r", b"")
    sys.stdout.write(text.decode("utf-8", "replace"))
    sys.stdout.flush()

def main(command, *steps):
    pid, master = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "-c", command])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen, at, waiting = b"", 0, list(steps)
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if waiting:
            text, keys = waiting[0].split("->", 1)
            found = seen.find(text.encode(), at)
            if found >= 0:
                at = found + len(text)
                waiting.pop(0)
                raw = keys.encode().decode("unicode_escape").encode("latin-1") if "\\" in keys else keys.encode() + b"\r"
                os.write(master, raw)
                continue
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    else:
        os.kill(pid, 9)
        sys.stdout.write("(the typist gave up)\n")
    show(seen)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

sys.exit(main(*sys.argv[1:]))
