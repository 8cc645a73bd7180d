CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE TYPE plan AS ENUM ('free', 'team', 'company');
CREATE TYPE container_state AS ENUM ('created', 'running', 'stopped', 'removed');

CREATE TABLE users (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z]+$'),
  email text NOT NULL,
  password_hash text NOT NULL,
  plan plan NOT NULL DEFAULT 'free',
  balance numeric(12, 4) NOT NULL DEFAULT 0,
  avatar_sha256 char(64),
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE deleted_at IS NULL;

CREATE TABLE containers (
  id serial PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  volume text NOT NULL UNIQUE,
  state container_state NOT NULL,
  limits jsonb NOT NULL,
  addresses inet[] NOT NULL DEFAULT '{}',
  started_at timestamptz
);
CREATE INDEX containers_by_user ON containers (user_id);

CREATE TABLE files (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  path text NOT NULL,
  size bigint NOT NULL,
  sha256 char(64) NOT NULL,
  tags text[] NOT NULL DEFAULT '{}',
  UNIQUE (user_id, path)
);
CREATE INDEX files_tags ON files USING gin (tags);
