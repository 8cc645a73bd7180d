"""Fills the empty application with the same data every time. SIZE=large makes some 100 MB of it."""

import hashlib
import os
import random

import psycopg2.extras

from app import UPLOADS, connect

LARGE = os.environ.get("SIZE") == "large"
PEOPLE, LOG, DOCUMENTS = (20_000, 300_000, 900) if LARGE else (300, 1_500, 36)
EPOCH = 1_704_067_200  # 2024-01-01 00:00 UTC
WWW_DATA = 33

ROWS = """
INSERT INTO users (email, role, password_hash, profile, last_login)
  SELECT 'user' || n || '@bdc.example', CASE WHEN n < 3 THEN 'super_admin' WHEN n < 20 THEN 'trainer' ELSE 'trainee' END::user_role, decode(md5('salt ' || n) || '00ff', 'hex'),
    jsonb_build_object('phone', '+32 ' || n, 'photo', NULL), CASE WHEN n %% 3 > 0 THEN timestamptz '2024-01-15 14:30:00.123456+01' + n * interval '7 minutes' END
  FROM generate_series(1, %(people)s) n;

INSERT INTO programs (name, budget, places, runs, trainer_id)
  SELECT 'Programme № ' || n, n * 12345.67, 10 + n, daterange(date '2024-01-01' + 30 * n, date '2024-06-01' + 30 * n), 3 + n FROM generate_series(1, 12) n;

INSERT INTO beneficiaries (user_id, full_name, born_on, languages, needs)
  SELECT n, (ARRAY['Élodie', 'Jürgen', 'Łukasz', '李'])[1 + n %% 4] || ' ' || md5(n::text), date '1970-01-01' + n * 37 %% 12000, ARRAY['fr', NULL, 'nl "be"'],
    jsonb_build_object('text', repeat(md5('need ' || n) || E'\\n', 10), 'level', n %% 6)
  FROM generate_series(1, %(people)s) n;

INSERT INTO enrolments SELECT b, 10 * (1 + (b + k * 5) %% 12), date '2024-02-01' + (b %% 90)::integer, CASE WHEN k = 0 THEN (b %% 200) / 10.0 END
  FROM generate_series(1, %(people)s) b, generate_series(0, 1) k ORDER BY b, k;

INSERT INTO audit_log (at, who, address, what)
  SELECT timestamptz '2024-01-01 00:00+00' + n * interval '53 seconds', 'user' || n %% %(people)s, inet '10.0.0.0' + n, jsonb_build_object('action', md5((n %% 50)::text), 'n', n)
  FROM generate_series(1, %(log)s) n;
"""


def write_document(number):
    """Papers of different owners and modes, as they come to be over the years."""
    chance = random.Random(number)
    content = chance.randbytes(chance.randrange(1_000, 100_000 if LARGE else 12_000))
    path = f"{'private' if number % 6 == 0 else 'public'}/{2020 + number % 5}/paper-{number:05d}.{'jpg' if number % 2 else 'docx'}"
    file = UPLOADS / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.chown(file, WWW_DATA, [WWW_DATA, 1000, 0][number % 3])
    file.chmod([0o640, 0o600, 0o664][number % 3])
    os.utime(file, ns=(EPOCH * 10**9, (EPOCH + number * 86_400) * 10**9 + 123_456_789))
    return path, len(content), hashlib.sha256(content).hexdigest(), EPOCH + number * 86_400


def set_folders():
    """A folder that keeps its group, one that only its owner enters, a link, a second name, an empty folder."""
    (UPLOADS / "public").chmod(0o2775)
    (UPLOADS / "private").chmod(0o700)
    (UPLOADS / "incoming").mkdir(exist_ok=True)
    (UPLOADS / "newest").symlink_to("public/2024")
    os.link(UPLOADS / "public/2021/paper-00001.jpg", UPLOADS / "first paper.jpg")
    for folder, _, _ in os.walk(UPLOADS):
        mode = os.stat(folder).st_mode & 0o7777
        os.chown(folder, WWW_DATA, WWW_DATA)
        os.chmod(folder, mode)


if __name__ == "__main__":
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(ROWS, {"people": PEOPLE, "log": LOG})
        rows = [(1 + number * 7 % PEOPLE, *write_document(number)) for number in range(DOCUMENTS)]
        psycopg2.extras.execute_values(
            cursor, "INSERT INTO documents (beneficiary_id, path, size, sha256, uploaded_at) VALUES %s", rows, template="(%s, %s, %s, %s, to_timestamp(%s))"
        )
    connection.close()
    set_folders()
    print(f"{PEOPLE} people, {DOCUMENTS} documents, {LOG} lines of audit")
