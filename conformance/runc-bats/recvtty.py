#!/usr/bin/python3
"""Stand-in for runc's recvtty in --mode null: takes terminals and throws away what they say."""
import os, socket, sys, threading

FIRST_SECONDS = 20

def drain(connection):
    _, fds, _, _ = socket.recv_fds(connection, 4096, 1)
    try:
        while fds and os.read(fds[0], 4096):
            pass
    except OSError:
        pass  # EIO: the last slave is closed
    for fd in fds:
        os.close(fd)
    connection.close()

args = sys.argv[1:]
with open(args[args.index("--pid-file") + 1], "w") as file:
    file.write(f"{os.getpid()}\n")
listener = socket.socket(socket.AF_UNIX)
listener.bind(args[-1])
listener.listen()
# A test that fails before its container is there leaves this behind, and bats waits for it.
listener.settimeout(FIRST_SECONDS)
while True:
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        sys.exit(1)
    listener.settimeout(None)
    threading.Thread(target=drain, args=(connection,), daemon=True).start()
