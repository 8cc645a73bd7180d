-- after nothing
CREATE TYPE user_role AS ENUM ('trainee', 'trainer', 'tenant_admin', 'super_admin');

CREATE TABLE users (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL UNIQUE,
  role user_role NOT NULL,
  password_hash bytea NOT NULL,
  profile jsonb NOT NULL DEFAULT '{}',
  last_login timestamptz
);

CREATE TABLE programs (
  id integer GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 10) PRIMARY KEY,
  name text NOT NULL UNIQUE,
  budget numeric(15, 2) NOT NULL,
  places integer NOT NULL CHECK (places > 0),
  runs daterange NOT NULL,
  trainer_id integer REFERENCES users ON DELETE SET NULL
);

CREATE TABLE beneficiaries (
  id bigserial PRIMARY KEY,
  user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
  full_name text NOT NULL,
  born_on date NOT NULL,
  languages text[] NOT NULL,
  needs jsonb NOT NULL
);
CREATE INDEX beneficiaries_needs ON beneficiaries USING gin (needs);
CREATE INDEX beneficiaries_name ON beneficiaries (lower(full_name) text_pattern_ops);

CREATE TABLE enrolments (
  beneficiary_id bigint REFERENCES beneficiaries ON DELETE CASCADE,
  program_id integer REFERENCES programs ON DELETE RESTRICT,
  since date NOT NULL,
  grade numeric(3, 1),
  PRIMARY KEY (beneficiary_id, program_id)
);
CREATE INDEX enrolments_program ON enrolments (program_id);

CREATE TABLE documents (
  id serial PRIMARY KEY,
  beneficiary_id bigint NOT NULL REFERENCES beneficiaries ON DELETE CASCADE,
  path text NOT NULL UNIQUE,
  size bigint NOT NULL,
  sha256 char(64) NOT NULL,
  uploaded_at timestamptz NOT NULL
);

CREATE VIEW program_places AS
  SELECT p.id, p.name, p.places, count(e.beneficiary_id) AS taken, p.budget FROM programs p LEFT JOIN enrolments e ON e.program_id = p.id GROUP BY p.id;
