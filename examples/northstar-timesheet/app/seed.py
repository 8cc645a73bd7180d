"""Fills the empty application with the same data every time. SIZE=large makes some 100 MB of it."""

import hashlib
import os
import random

import psycopg2.extras

from app import UPLOADS, WWW_DATA, connect

LARGE = os.environ.get("SIZE") == "large"
PEOPLE, WEEKS, ATTACHMENTS = (400, 150, 1200) if LARGE else (12, 10, 40)
EPOCH = 1_767_225_600  # 2026-01-01 00:00 UTC: uploads are dated from here, an hour apart

ROWS = """
INSERT INTO users (email, full_name, role, settings, hourly_rate, created_at)
  SELECT 'person' || n || '@northstar.example', 'Pérson № ' || n, (ARRAY['employee', 'employee', 'lead', 'admin'])[1 + n %% 4]::user_role,
    jsonb_build_object('language', (ARRAY['en', 'de', 'fr'])[1 + n %% 3], 'weekly', n %% 2 = 0), 40 + n %% 60 + 0.25, timestamptz '2025-06-01 08:00+00' + n * interval '1 hour'
  FROM generate_series(1, %(people)s) n;

INSERT INTO timesheets (id, user_id, week, state, submitted_at, approved_by)
  SELECT md5('timesheet ' || n || ' ' || w)::uuid, n, date '2025-06-02' + 7 * w, (ARRAY['approved', 'approved', 'submitted', 'rejected', 'new'])[1 + (n + w) %% 5]::timesheet_state,
    timestamptz '2025-06-06 16:00+00' + w * interval '7 days', CASE WHEN (n + w) %% 5 < 2 THEN 3 END
  FROM generate_series(1, %(people)s) n, generate_series(0, %(weeks)s - 1) w ORDER BY w, n;

INSERT INTO entries (timesheet_id, day, hours, project, note, details)
  SELECT t.id, t.week + d, 1 + (t.number + d) %% 8 + 0.25 * (d %% 4), 'project-' || (t.number + d) %% 17,
    CASE WHEN d %% 3 > 0 THEN 'Worked on ' || md5(t.number || '/' || d) || E', and\\ntested it' END,
    jsonb_build_object('place', (ARRAY['office', 'home', 'customer'])[1 + d %% 3], 'ticket', t.number * 10 + d)
  FROM timesheets t, generate_series(0, 4) d ORDER BY t.number, d;

INSERT INTO notifications (user_id, kind, payload, created_at, read_at)
  SELECT t.user_id, 'timesheet.' || t.state, jsonb_build_object('timesheet', t.id, 'week', t.week), t.submitted_at + interval '1 minute',
    CASE WHEN t.number %% 3 > 0 THEN t.submitted_at + interval '1 day' END
  FROM timesheets t WHERE t.state <> 'new' ORDER BY t.number;
"""


def write_attachment(number):
    """A file below the uploads, with the facts that its row holds."""
    kind, media = [("pdf", "application/pdf"), ("jpg", "image/jpeg"), ("txt", "text/plain; charset=utf-8")][number % 3]
    chance = random.Random(number)
    size = chance.randrange(1_000, 160_000 if LARGE else 20_000)
    content = f"receipt {number}, größer\n".encode() * (size // 24) if kind == "txt" else chance.randbytes(size)
    path = f"2026/{1 + number % 12:02d}/receipt {number:05d}.{kind}"
    file = UPLOADS / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o600 if number % 10 == 0 else 0o640)
    os.utime(file, (EPOCH, EPOCH + number * 3600))
    return path, media, len(content), hashlib.sha256(content).hexdigest(), EPOCH + number * 3600


def seed():
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(ROWS, {"people": PEOPLE, "weeks": WEEKS})
        cursor.execute("SELECT id FROM timesheets ORDER BY number")
        timesheets = [row[0] for row in cursor.fetchall()]
        rows = [(timesheets[n * 7 % len(timesheets)], *write_attachment(n)) for n in range(ATTACHMENTS)]
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO attachments (timesheet_id, path, media_type, size, sha256, uploaded_at) VALUES %s",
            rows,
            template="(%s, %s, %s, %s, %s, to_timestamp(%s))",
        )
    connection.close()
    for folder, _, files in os.walk(UPLOADS):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            os.chown(path, WWW_DATA, WWW_DATA)
    print(f"{PEOPLE} people, {PEOPLE * WEEKS} timesheets, {ATTACHMENTS} attachments")


if __name__ == "__main__":
    seed()
