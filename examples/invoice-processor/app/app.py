"""Invoice Processor: reads invoices from a shared drive, sorts them into categories and batches. The PDF files stay on the drive.

    python3 app.py migrate    brings the schema up to date
    python3 app.py serve      answers requests: /health, /, /batches/ID, /search?WORD

Settings come from the environment (DATABASE_URL, PORT) and from config.py.
"""

import html
import json
import os
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2

import config

HERE = Path(__file__).resolve().parent


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
    return {int(path.name[:4]): path for path in sorted((HERE / "migrations").glob("[0-9]*.sql"))}


def migrate():
    """Applies what has not been applied yet, in one transaction."""
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(20260203)")
        cursor.execute("CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
        cursor.execute("SELECT coalesce(max(version), 0) FROM schema_version")
        (current,) = cursor.fetchone()
        for version, path in migrations().items():
            if version > current:
                cursor.execute(path.read_text())
                cursor.execute("INSERT INTO schema_version (version) VALUES (%s)", (version,))
                print(f"the schema is at {version}", flush=True)
    connection.close()


def check_health():
    """What is wrong, in words; nothing where all is well."""
    try:
        [(version,)] = query("SELECT coalesce(max(version), 0) FROM schema_version")
    except psycopg2.Error as error:
        return f"the database: {str(error).strip().splitlines()[0]}"
    if version != max(migrations()):
        return f"the schema is at {version}, the application at {max(migrations())}"
    return None if os.access(config.CACHE, os.W_OK) else f"{config.CACHE} cannot be written"


class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        batch = re.fullmatch(r"/batches/(\d+)", self.path)
        search = re.fullmatch(r"/search\?(\w+)", self.path)
        try:
            if self.path == "/health":
                problem = check_health()
                body = {"status": "ok", "version": os.environ.get("VERSION")} if problem is None else {"status": "failing", "problem": problem}
                self.answer(200 if problem is None else 503, "application/json", json.dumps(body))
            elif self.path == "/":
                self.answer_table("Batches", "SELECT id, name, state, invoices, total FROM batch_totals ORDER BY id DESC LIMIT %s", (config.PAGE_SIZE,))
            elif batch:
                self.answer_table("Invoices", "SELECT number, supplier, gross FROM invoices WHERE batch_id = %s ORDER BY id", (batch[1],))
            elif search:
                self.answer_table("Found", "SELECT number, supplier FROM invoices WHERE words @@ plainto_tsquery('simple', %s) ORDER BY id LIMIT 50", (search[1],))
            else:
                self.answer(404, "text/plain", "There is no such page.\n")
        except psycopg2.Error:
            self.answer(503, "text/plain", "The database does not answer.\n")

    def answer_table(self, title, sql, values):
        lines = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>\n" for row in query(sql, values))
        self.answer(200, "text/html; charset=utf-8", f"<!doctype html><title>Invoice Processor</title><h1>{title}</h1>\n<table>\n{lines}</table>\n")

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"invoice-processor listens on {os.environ['PORT']}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Requests).serve_forever()


if __name__ == "__main__":
    {"migrate": migrate, "serve": serve}[sys.argv[1]]()
