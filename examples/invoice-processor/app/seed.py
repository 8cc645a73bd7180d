"""Fills the empty application with the same data every time. SIZE=large makes some 100 MB of it."""

import os

from app import connect

LARGE = os.environ.get("SIZE") == "large"
USERS, BATCHES, INVOICES = (200, 2_000, 160_000) if LARGE else (8, 30, 1_500)

ROWS = """
INSERT INTO users (email, password_hash, is_admin, preferences, created_at)
  SELECT 'clerk' || n || '@invoices.example', md5('password ' || n), n = 1, jsonb_build_object('page', 25 * n, 'columns', jsonb_build_array('number', NULL, 'gross')),
    timestamp '2026-01-01 09:00' + n * interval '1 day'
  FROM generate_series(1, %(users)s) n;

INSERT INTO categories (parent_id, name, keywords)
  SELECT CASE WHEN n > 4 THEN 1 + n %% 4 END, 'Category ' || n, ARRAY['word' || n, 'mot,"é"', E'tab\\there'] FROM generate_series(1, 20) n;

INSERT INTO batches (name, user_id, state, settings, started_at, finished_at)
  SELECT 'Batch ' || n, 1 + n %% %(users)s, (ARRAY['done', 'done', 'processing', 'failed', 'open'])[1 + n %% 5]::batch_state,
    '{"b": 1,  "a": [1, 2.50]}', timestamptz '2026-01-02 10:00+00' + n * interval '3 hours', timestamptz '2026-01-02 10:07+00' + n * interval '3 hours'
  FROM generate_series(1, %(batches)s) n;

INSERT INTO invoices (batch_id, category_id, number, supplier, drive_file_id, issued_on, net, vat_rate, extracted, certainty)
  SELECT 1 + n %% %(batches)s, CASE WHEN n %% 11 > 0 THEN 1 + n %% 20 END, 'RE-2026-' || lpad(n::text, 6, '0'), 'Müller & Söhne № ' || n %% 97, md5('drive ' || n),
    date '2026-01-01' + n %% 300, (n::bigint * 7919 %% 2500000) / 100.0, (ARRAY[0.19, 0.07, 0])[1 + n %% 3],
    jsonb_build_object('lines', jsonb_build_array(md5(n::text), n, NULL), 'iban', 'DE' || n::bigint * 1000003, 'text', repeat(md5('page ' || n) || ' ', 8)),
    CASE WHEN n %% 5 > 0 THEN (n %% 100) / 100.0 END
  FROM generate_series(1, %(invoices)s) n;

INSERT INTO reviews SELECT id, 1 + id %% %(users)s, CASE WHEN id %% 9 > 0 THEN 'right' ELSE 'wrong' END, CASE WHEN id %% 9 = 0 THEN E'see\\nthe drive' END
  FROM invoices WHERE id %% 4 = 0 ORDER BY id;
"""

if __name__ == "__main__":
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(ROWS, {"users": USERS, "batches": BATCHES, "invoices": INVOICES})
    connection.close()
    print(f"{USERS} users, {BATCHES} batches, {INVOICES} invoices")
