"""SME Receivable Platform: invoices of small companies, who owes what, and the documents that prove it. Sessions live in Redis.

    python3 app.py migrate    brings the schema up to date
    python3 app.py serve      answers requests: /health, /receivables, /documents/ID, /session/TOKEN

Settings come from the environment: DATABASE_URL, REDIS_SOCKET, REDIS_PASSWORD, UPLOADS, PORT.
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

from redis_client import RedisClient

HERE = Path(__file__).resolve().parent
UPLOADS = Path(os.environ.get("UPLOADS", "/app/uploads"))


def connect():
    return psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3)


def query(sql, values=()):
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
    finally:
        connection.close()


def migrations():
    return [path.stem for path in sorted((HERE / "migrations").glob("*.sql"))]


def migrate():
    connection = connect()
    for name in migrations():
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS migrations (id serial PRIMARY KEY, name text UNIQUE NOT NULL, run_at timestamptz NOT NULL DEFAULT now())")
            cursor.execute("LOCK TABLE migrations IN EXCLUSIVE MODE")
            cursor.execute("SELECT 1 FROM migrations WHERE name = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute((HERE / "migrations" / f"{name}.sql").read_text())
                cursor.execute("INSERT INTO migrations (name) VALUES (%s)", (name,))
                print(f"applied {name}", flush=True)
    connection.close()


def check_health():
    """What is wrong, in words; nothing where all is well."""
    try:
        if (applied := [row[0] for row in query("SELECT name FROM migrations ORDER BY id")]) != migrations():
            return f"the schema has {len(applied)} of {len(migrations())} migrations"
        for (path,) in query("SELECT path FROM documents ORDER BY id DESC LIMIT 20"):
            if not (UPLOADS / path).is_file():
                return f"the document {path} is missing"
        RedisClient()("PING")
    except psycopg2.Error as error:
        return f"the database: {str(error).strip().splitlines()[0]}"
    except OSError as error:
        return f"Redis: {error}"
    return None


class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        document = re.fullmatch(r"/documents/(\d+)", self.path)
        session = re.fullmatch(r"/session/(\w+)", self.path)
        try:
            if self.path == "/health":
                problem = check_health()
                self.answer_json(200 if problem is None else 503, {"status": "ok" if problem is None else problem})
            elif self.path == "/receivables":
                self.answer_json(200, query("SELECT company, customer, open_amount FROM receivables ORDER BY company, customer LIMIT 100"))
            elif document:
                self.send_document(query("SELECT path, sha256 FROM documents WHERE id = %s", (document[1],)))
            elif session:
                value = RedisClient()("GET", f"session:{session[1]}")
                self.answer_json(404, {}) if value is None else self.answer(200, "application/json", value)
            else:
                self.answer_json(404, {"error": "no such page"})
        except (psycopg2.Error, OSError):
            self.answer_json(503, {"error": "something behind this does not answer"})

    def send_document(self, rows):
        if not rows or not (UPLOADS / rows[0][0]).is_file():
            return self.answer_json(404, {"error": "no such document"})
        content = (UPLOADS / rows[0][0]).read_bytes()
        if hashlib.sha256(content).hexdigest() != rows[0][1]:
            return self.answer_json(500, {"error": "the document is not what was uploaded"})
        self.answer(200, "application/pdf", content)

    def answer_json(self, status, value):
        self.answer(status, "application/json", json.dumps(value, default=str).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def smoke():
    """What `npm run test:smoke` does elsewhere: one look through every part. Ends with status 1 where something is missing."""
    [(number, amount)] = query("SELECT count(*), sum(amount) FROM invoices")
    [(path, sha256)] = query("SELECT path, sha256 FROM documents ORDER BY id LIMIT 1")
    whole = hashlib.sha256((UPLOADS / path).read_bytes()).hexdigest() == sha256
    print(f"{number} invoices of {amount}, the first document is {'whole' if whole else 'damaged'}", flush=True)
    sys.exit(0 if number > 0 and whole and check_health() is None else 1)


def serve():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Requests).serve_forever()


if __name__ == "__main__":
    {"migrate": migrate, "serve": serve, "smoke": smoke}[sys.argv[1]]()
