"""BDC: programs, the people they help, and their papers.

    python3 app.py migrate    brings the schema up to date
    python3 app.py serve      answers requests: /health, /programs, /documents/ID

Settings come from the environment: DATABASE_URL, UPLOADS, PORT. nginx and supervisord stand in front of it where it is in production.
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
    """In the order of their revisions: each names the one before it in its first line."""
    before = {}
    for path in (HERE / "migrations").glob("*.sql"):
        before[path.read_text().splitlines()[0].removeprefix("-- after ")] = path
    order, last = [], "nothing"
    while last in before:
        order.append(before[last])
        last = before[last].stem
    return order


def migrate():
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(20260115)")
        cursor.execute("CREATE TABLE IF NOT EXISTS revision (name text NOT NULL)")
        cursor.execute("SELECT name FROM revision")
        row = cursor.fetchone()
        names = [path.stem for path in migrations()]
        for path in migrations()[names.index(row[0]) + 1 if row else 0 :]:
            cursor.execute(path.read_text())
            cursor.execute("DELETE FROM revision")
            cursor.execute("INSERT INTO revision VALUES (%s)", (path.stem,))
            print(f"revision {path.stem}", flush=True)
    connection.close()


def check_health():
    """What is wrong, in words; nothing where all is well."""
    try:
        rows = query("SELECT name FROM revision")
        if rows != [(migrations()[-1].stem,)]:
            return f"the revision is {rows[0][0] if rows else 'missing'}, the application's is {migrations()[-1].stem}"
        for (path,) in query("SELECT path FROM documents ORDER BY id DESC LIMIT 20"):
            if not (UPLOADS / path).is_file():
                return f"the document {path} is missing"
    except psycopg2.Error as error:
        return f"the database: {str(error).strip().splitlines()[0]}"
    return None if Path("/app/config/nginx.conf").is_file() else "there is no configuration"


class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        document = re.fullmatch(r"/documents/(\d+)", self.path)
        try:
            if self.path == "/health":
                problem = check_health()
                self.answer_json(200 if problem is None else 503, {"healthy": problem is None, "problem": problem})
            elif self.path == "/programs":
                rows = query("SELECT name, places, taken, budget FROM program_places ORDER BY name")
                self.answer_json(200, [dict(zip(("name", "places", "taken", "budget"), row)) for row in rows])
            elif document:
                self.send_document(query("SELECT path, sha256 FROM documents WHERE id = %s", (document[1],)))
            else:
                self.answer_json(404, {"error": "no such page"})
        except psycopg2.Error:
            self.answer_json(503, {"error": "the database does not answer"})

    def send_document(self, rows):
        if not rows or not (UPLOADS / rows[0][0]).is_file():
            return self.answer_json(404, {"error": "no such document"})
        content = (UPLOADS / rows[0][0]).read_bytes()
        if hashlib.sha256(content).hexdigest() != rows[0][1]:
            return self.answer_json(500, {"error": "the document is not what was uploaded"})
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
