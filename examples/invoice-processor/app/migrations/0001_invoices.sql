CREATE TYPE batch_state AS ENUM ('open', 'processing', 'done', 'failed');

CREATE TABLE users (
  id serial PRIMARY KEY,
  email varchar(255) NOT NULL UNIQUE,
  password_hash varchar(128) NOT NULL,
  is_admin boolean NOT NULL DEFAULT false,
  preferences jsonb NOT NULL DEFAULT '{}',
  created_at timestamp NOT NULL
);

CREATE TABLE categories (
  id serial PRIMARY KEY,
  parent_id integer REFERENCES categories ON DELETE RESTRICT,
  name text NOT NULL,
  keywords text[] NOT NULL DEFAULT '{}',
  UNIQUE NULLS NOT DISTINCT (parent_id, name)
);

CREATE TABLE batches (
  id serial PRIMARY KEY,
  name text NOT NULL,
  user_id integer NOT NULL REFERENCES users,
  state batch_state NOT NULL DEFAULT 'open',
  settings json,
  started_at timestamptz,
  finished_at timestamptz,
  CHECK (finished_at >= started_at)
);

CREATE TABLE invoices (
  id bigserial PRIMARY KEY,
  batch_id integer NOT NULL REFERENCES batches ON DELETE CASCADE,
  category_id integer REFERENCES categories ON DELETE SET NULL,
  number text NOT NULL,
  supplier text NOT NULL,
  drive_file_id text NOT NULL,
  issued_on date NOT NULL,
  net numeric(14, 2) NOT NULL,
  vat_rate numeric(4, 3) NOT NULL,
  gross numeric(16, 2) GENERATED ALWAYS AS (round(net * (1 + vat_rate), 2)) STORED,
  extracted jsonb NOT NULL,
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', number || ' ' || supplier)) STORED,
  UNIQUE (supplier, number)
);
CREATE INDEX invoices_batch ON invoices (batch_id);
CREATE INDEX invoices_words ON invoices USING gin (words);
CREATE INDEX invoices_large ON invoices (gross DESC) WHERE net > 10000;

CREATE VIEW batch_totals AS
  SELECT b.id, b.name, b.state, count(i.id) AS invoices, sum(i.gross) AS total FROM batches b LEFT JOIN invoices i ON i.batch_id = b.id GROUP BY b.id;
