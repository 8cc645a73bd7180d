"""Fills the empty application with the same data every time. SIZE=large makes some 100 MB of it."""

import hashlib
import os
import random
import uuid

import psycopg2
import psycopg2.extras

from app import UPLOADS, WORKSPACES

LARGE = os.environ.get("SIZE") == "large"
FILES, EVENTS, LARGEST = (300, 500_000, 200_000) if LARGE else (25, 2_000, 16_000)
USERS = [("ada", "company"), ("brook", "team"), ("chen", "free")]
EPOCH = 1_727_740_800  # 2024-10-01 00:00 UTC


def write(root, path, content, mode, when, owner):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(mode)
    os.chown(file, owner, owner)
    os.utime(file, (when, when))
    return hashlib.sha256(content).hexdigest()


def fill_workspace(name, owner):
    """A home folder: projects, a hidden file, a program, a link, an empty folder."""
    home, chance = WORKSPACES / name, random.Random(name)
    for number in range(FILES):
        path = f"projects/{name}-{number % 4}/notes {number:03d}.md" if number % 2 else f"projects/{name}-{number % 4}/data-{number:03d}.bin"
        content = f"# {name}, note {number}: naïve façade\n".encode() * 40 if number % 2 else chance.randbytes(chance.randrange(100, LARGEST))
        yield path, len(content), write(home, path, content, 0o644 if number % 2 else 0o600, EPOCH + number * 600, owner), [f"tag{number % 5}", "note" if number % 2 else "data"]
    write(home, "bin/run.sh", b"#!/bin/sh\nexec true\n", 0o755, EPOCH, owner)
    (home / "empty").mkdir(exist_ok=True)
    if not (home / "current").is_symlink():
        (home / "current").symlink_to(f"projects/{name}-1")
    os.chown(home, owner, owner)
    home.chmod(0o750)


def seed():
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        for number, (name, plan) in enumerate(USERS):
            user, owner = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.example")), 2001 + number
            avatar = write(UPLOADS, f"avatars/{name}.png", b"\x89PNG\r\n\x1a\n" + random.Random(number).randbytes(9_000), 0o644, EPOCH, 0)
            cursor.execute(
                "INSERT INTO users (id, name, email, password_hash, plan, balance, avatar_sha256, settings, created_at)"
                " VALUES (%s, %s, %s, crypt('test', '$2a$04$abcdefghijklmnopqrstuu'), %s, %s, %s, %s, to_timestamp(%s))",
                (user, name, f"{name.title()}@users.example", plan, number * 12.3456, avatar, psycopg2.extras.Json({"theme": "dark", "n": [number, None]}), EPOCH),
            )
            cursor.execute(
                "INSERT INTO containers (user_id, volume, state, limits, addresses, started_at) VALUES (%s, %s, 'running', %s, %s::inet[], to_timestamp(%s))",
                (user, f"user-{name}", psycopg2.extras.Json({"cpu": 0.5, "memory": "256m"}), [f"10.7.0.{number + 2}"], EPOCH),
            )
            rows = [(user, *file) for file in fill_workspace(name, owner)]
            psycopg2.extras.execute_values(cursor, "INSERT INTO files (user_id, path, size, sha256, tags) VALUES %s", rows)
        cursor.execute(
            "INSERT INTO usage_events (user_id, at, seconds, cost)"
            " SELECT u.id, timestamptz '2024-06-01 00:00+00' + n * interval '1 hour' * %s, n %% 3600 * interval '1 second', (n %% 977) / 1000.0"
            " FROM generate_series(1, %s) n JOIN (SELECT id, row_number() OVER (ORDER BY name) AS place FROM users) u ON u.place = 1 + n %% 3 ORDER BY n",
            (12_000 / EVENTS, EVENTS),
        )
        cursor.execute("REFRESH MATERIALIZED VIEW monthly_cost")
    connection.close()
    print(f"{len(USERS)} users, {len(USERS) * FILES} files, {EVENTS} events")


if __name__ == "__main__":
    seed()
