"""A web application with a container for each of its users.

    python3 app.py migrate    brings the schema up to date
    python3 app.py serve      answers requests: /api/health, /api/users, /api/files/ID, /avatars/NAME

Settings come from the environment: DATABASE_URL, UPLOADS, WORKSPACES, PORT.
"""

import hashlib
import json
import os
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
UPLOADS = Path(os.environ.get("UPLOADS", "/data"))
WORKSPACES = Path(os.environ.get("WORKSPACES", "/workspaces"))


def query(sql, values=()):
    connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
    finally:
        connection.close()


def migrate():
    """Applies what has not been applied yet. All of it is one transaction."""
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(20260110)")
        cursor.execute("CREATE TABLE IF NOT EXISTS _migrations (name text PRIMARY KEY, checksum text NOT NULL, finished_at timestamptz DEFAULT now())")
        cursor.execute("SELECT name FROM _migrations")
        done = {row[0] for row in cursor.fetchall()}
        for path in sorted((HERE / "migrations").glob("*.sql")):
            if path.stem not in done:
                text = path.read_text()
                cursor.execute(text)
                cursor.execute("INSERT INTO _migrations VALUES (%s, %s)", (path.stem, hashlib.sha256(text.encode()).hexdigest()))
                print(f"applied {path.stem}", flush=True)
    connection.close()


def check_health():
    """What is wrong, in words; nothing where all is well."""
    try:
        applied = {row[0] for row in query("SELECT name FROM _migrations")}
        missing = {path.stem for path in (HERE / "migrations").glob("*.sql")} - applied
        if missing:
            return f"not migrated: {', '.join(sorted(missing))}"
        for (name,) in query("SELECT name FROM users WHERE deleted_at IS NULL"):
            if not (WORKSPACES / name / ".history").is_file():
                return f"the workspace of {name} is empty"
            if not (UPLOADS / "avatars" / f"{name}.png").is_file():
                return f"the avatar of {name} is missing"
    except psycopg2.Error as error:
        return f"the database: {str(error).strip().splitlines()[0]}"
    return None


class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        file = re.fullmatch(r"/api/files/(\d+)", self.path)
        avatar = re.fullmatch(r"/avatars/([a-z]+)", self.path)
        try:
            if self.path == "/api/health":
                problem = check_health()
                self.answer_json(200 if problem is None else 503, {"healthy": problem is None, "problem": problem})
            elif self.path == "/api/users":
                rows = query("SELECT name, plan, files, bytes, balance FROM user_usage ORDER BY name")
                self.answer_json(200, [dict(zip(("name", "plan", "files", "bytes", "balance"), row)) for row in rows])
            elif file:
                rows = query("SELECT u.name, f.path, f.sha256 FROM files f JOIN users u ON u.id = f.user_id WHERE f.id = %s", (file[1],))
                self.send_file(WORKSPACES / rows[0][0] / rows[0][1] if rows else None, rows and rows[0][2])
            elif avatar:
                rows = query("SELECT avatar_sha256 FROM users WHERE name = %s", (avatar[1],))
                self.send_file(UPLOADS / "avatars" / f"{avatar[1]}.png" if rows else None, rows and rows[0][0])
            else:
                self.answer_json(404, {"error": "no such page"})
        except psycopg2.Error:
            self.answer_json(503, {"error": "the database does not answer"})

    def send_file(self, path, sha256):
        if path is None or not path.is_file():
            return self.answer_json(404, {"error": "no such file"})
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            return self.answer_json(500, {"error": "the file is not what its owner saved"})
        self.answer(200, "application/octet-stream", content)

    def answer_json(self, status, value):
        self.answer(status, "application/json", json.dumps(value, default=str).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Requests).serve_forever()


if __name__ == "__main__":
    {"migrate": migrate, "serve": serve}[sys.argv[1]]()
