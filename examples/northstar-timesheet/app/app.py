"""Northstar Timesheet: people write down their hours, and attach receipts.

    python3 app.py migrate    brings the schema up to date
    python3 app.py serve      answers requests: /health, /, /attachments/ID

Settings come from the environment: DATABASE_URL, UPLOADS, PORT.
"""

import hashlib
import html
import json
import os
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
UPLOADS = Path(os.environ.get("UPLOADS", HERE / "uploads"))
WWW_DATA = 33


def connect():
    return psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3, application_name="timesheet-web")


def query(sql, values=()):
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
    finally:
        connection.close()


def migrations():
    """Files such as 002-notifications.sql, by their numbers."""
    return {int(path.name[:3]): path for path in sorted((HERE / "migrations").glob("[0-9][0-9][0-9]-*.sql"))}


def migrate():
    """Applies what has not been applied yet, each in a transaction of its own; two at a time wait for each other."""
    connection = connect()
    try:
        for version, path in migrations().items():
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(20260109)")
                cursor.execute(
                    "CREATE TABLE IF NOT EXISTS schema_migrations"
                    " (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
                )
                cursor.execute("SELECT 1 FROM schema_migrations WHERE version = %s", (version,))
                if cursor.fetchone():
                    continue
                cursor.execute(path.read_text())
                cursor.execute("INSERT INTO schema_migrations (version, name) VALUES (%s, %s)", (version, path.stem))
                print(f"applied {path.stem}", flush=True)
    finally:
        connection.close()


def check_health():
    """What is wrong, in words; nothing where all is well."""
    try:
        [(version,)] = query("SELECT coalesce(max(version), 0) FROM schema_migrations")
        if version != max(migrations()):
            return f"the schema is at {version}, the application at {max(migrations())}"
        for (path,) in query("SELECT path FROM attachments ORDER BY id DESC LIMIT 20"):
            if not (UPLOADS / path).is_file():
                return f"the attachment {path} is missing"
    except psycopg2.Error as error:
        return f"the database: {str(error).strip().splitlines()[0]}"
    return None if os.access(UPLOADS, os.W_OK) else "the folder of uploads cannot be written"


class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        attachment = re.fullmatch(r"/attachments/(\d+)", self.path)
        try:
            if self.path == "/health":
                problem = check_health()
                text = json.dumps({"status": "ok"} if problem is None else {"status": "failing", "problem": problem})
                self.answer(200 if problem is None else 503, "application/json", text.encode())
            elif self.path == "/":
                self.answer(200, "text/html; charset=utf-8", recent_timesheets().encode())
            elif attachment:
                self.send_attachment(int(attachment[1]))
            else:
                self.answer(404, "text/plain", b"There is no such page.\n")
        except psycopg2.Error:
            self.answer(503, "text/plain", b"The database does not answer.\n")

    def send_attachment(self, number):
        rows = query("SELECT path, media_type, sha256 FROM attachments WHERE id = %s", (number,))
        path = UPLOADS / rows[0][0] if rows else None
        if path is None or not path.is_file():
            return self.answer(404, "text/plain", b"There is no such attachment.\n")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != rows[0][2]:
            return self.answer(500, "text/plain", b"The attachment is not what was uploaded.\n")
        self.answer(200, rows[0][1], content)

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def recent_timesheets():
    rows = query("SELECT full_name, week, state, hours, billable FROM timesheet_totals ORDER BY week DESC, full_name LIMIT 50")
    lines = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<!doctype html><title>Northstar Timesheet</title><h1>Timesheets</h1>\n<table>\n{lines}</table>\n"


def serve():
    """Takes what it needs as root, and serves as www-data."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if os.getuid() == 0:
        os.chown(UPLOADS, WWW_DATA, WWW_DATA)
        os.setgroups([])
        os.setgid(WWW_DATA)
        os.setuid(WWW_DATA)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Requests).serve_forever()


if __name__ == "__main__":
    {"migrate": migrate, "serve": serve}[sys.argv[1]]()
