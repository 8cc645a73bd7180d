"""Fills the empty application with the same data every time. SIZE=large makes some 100 MB of it."""

import hashlib
import json
import os
import random

import psycopg2.extras

from app import UPLOADS, connect
from redis_client import RedisClient

LARGE = os.environ.get("SIZE") == "large"
COMPANIES, INVOICES, DOCUMENTS, SESSIONS = (50, 120_000, 600, 20_000) if LARGE else (3, 900, 30, 40)
EPOCH = 1_764_547_200  # 2025-12-01 00:00 UTC

ROWS = """
INSERT INTO companies SELECT md5('company ' || n)::uuid, 'Compañía ' || n, 'ES' || 10000000 + n, jsonb_build_object('terms', 30 + n, 'logo', NULL), timestamptz '2025-01-01 00:00+00' + n * interval '1 day'
  FROM generate_series(1, %(companies)s) n;

INSERT INTO customers SELECT md5('customer ' || c || ' ' || n)::uuid, md5('company ' || c)::uuid, 'Customer ' || n || ' of ' || c,
    CASE WHEN n %% 4 > 0 THEN jsonb_build_object('street', 'Rua d''Água ' || n, 'zip', lpad(n::text, 5, '0')) END, n * 1000.50
  FROM generate_series(1, %(companies)s) c, generate_series(1, 10) n;

INSERT INTO invoices (customer_id, amount, currency, status, due_on, period, lines, issued_at)
  SELECT md5('customer ' || 1 + n %% %(companies)s || ' ' || 1 + n %% 10)::uuid, 1 + (n * 7919 %% 1000000) / 100.0, (ARRAY['EUR', 'USD', 'GBP'])[1 + n %% 3],
    (ARRAY['paid', 'sent', 'part_paid', 'overdue', 'draft', 'written_off'])[1 + n %% 6]::invoice_status, date '2025-01-15' + n %% 500,
    daterange(date '2025-01-01' + n %% 400, date '2025-02-01' + n %% 400), jsonb_build_array(jsonb_build_object('text', repeat(md5('line ' || n) || ' ', 6), 'price', n / 8.0)),
    timestamptz '2025-01-02 08:00+00' + n * interval '10 minutes'
  FROM generate_series(1, %(invoices)s) n;

INSERT INTO payments (invoice_id, amount, paid_at, reference)
  SELECT id, CASE status WHEN 'paid' THEN amount ELSE round(amount / 2, 2) + 0.01 END, issued_at + interval '20 days 3 hours', CASE WHEN id %% 7 > 0 THEN 'RF' || id END
  FROM invoices WHERE status IN ('paid', 'part_paid') ORDER BY id;
"""


def write_document(number):
    chance = random.Random(number)
    content = b"%PDF-1.7\n" + chance.randbytes(chance.randrange(2_000, 120_000 if LARGE else 15_000))
    path = f"{number % 7:02d}/invoice-{number:05d}.pdf"
    file = UPLOADS / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o640)
    os.utime(file, (EPOCH + number, EPOCH + number))
    return path, len(content), hashlib.sha256(content).hexdigest(), EPOCH + number


def fill_redis():
    """One of each kind of key: sessions that end, a cart, a queue, sets, a stream, bytes that are no text."""
    redis = RedisClient()
    for number in range(SESSIONS):
        token = hashlib.md5(f"session {number}".encode()).hexdigest()
        redis("SET", f"session:{token}", json.dumps({"user": number, "name": "Zoë", "pad": "x" * (number % 300)}), "EX", 86_400 * 30)
    redis("HSET", "cart:1", "invoice:100", 2, "invoice:101", 1)
    redis("RPUSH", "queue:mail", *(f"mail {n}" for n in range(200)))
    redis("SADD", "features", "factoring", "reminders")
    redis("ZADD", "overdue", 12.5, "invoice:102", -3, "invoice:103")
    redis("XADD", "events", "1700000000000-1", "kind", "login", "user", "7")
    redis("SET", "raw", bytes(range(256)))
    redis("SELECT", 3)
    redis("SET", "other:database", "kept as well")


if __name__ == "__main__":
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(ROWS, {"companies": COMPANIES, "invoices": INVOICES})
        rows = [(100 + number * 3, *write_document(number)) for number in range(DOCUMENTS)]
        psycopg2.extras.execute_values(
            cursor, "INSERT INTO documents (invoice_id, path, size, sha256, uploaded_at) VALUES %s", rows, template="(%s, %s, %s, %s, to_timestamp(%s))"
        )
    connection.close()
    fill_redis()
    print(f"{COMPANIES} companies, {INVOICES} invoices, {DOCUMENTS} documents, {SESSIONS} sessions")
