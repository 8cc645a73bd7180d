"""As much of the Redis protocol as the application needs."""

import os
import socket


class RedisClient:
    def __init__(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(3)
        connection.connect(os.environ["REDIS_SOCKET"])
        self.stream = connection.makefile("rwb")
        self("AUTH", os.environ["REDIS_PASSWORD"])

    def __call__(self, *words):
        """Sends one command. Text and bytes come back as bytes, a missing value as None; an error is raised."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        self.stream.flush()
        return self.read()

    def read(self):
        line = self.stream.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise OSError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        if not line:
            raise OSError("the connection is closed")
        return rest
