CREATE TYPE invoice_status AS ENUM ('draft', 'sent', 'part_paid', 'paid', 'overdue', 'written_off');
CREATE DOMAIN currency AS char(3) CHECK (VALUE ~ '^[A-Z]{3}$');

CREATE TABLE companies (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  tax_number text NOT NULL UNIQUE,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL
);

CREATE TABLE customers (
  id uuid PRIMARY KEY,
  company_id uuid NOT NULL REFERENCES companies ON DELETE CASCADE,
  name text NOT NULL,
  address jsonb,
  credit_limit numeric(14, 2) CHECK (credit_limit >= 0),
  UNIQUE (company_id, name)
);

CREATE SEQUENCE invoice_numbers START 5000 INCREMENT 5 CACHE 10;

CREATE TABLE invoices (
  id bigint GENERATED ALWAYS AS IDENTITY (START 100) PRIMARY KEY,
  number bigint NOT NULL DEFAULT nextval('invoice_numbers') UNIQUE,
  customer_id uuid NOT NULL REFERENCES customers,
  amount numeric(14, 2) NOT NULL CHECK (amount > 0),
  currency currency NOT NULL DEFAULT 'EUR',
  status invoice_status NOT NULL,
  due_on date NOT NULL,
  period daterange NOT NULL,
  lines jsonb NOT NULL,
  issued_at timestamptz NOT NULL
);
CREATE INDEX invoices_due ON invoices (due_on) WHERE status IN ('sent', 'part_paid', 'overdue');
CREATE INDEX invoices_lines ON invoices USING gin (lines jsonb_path_ops);

CREATE TABLE payments (
  id bigserial PRIMARY KEY,
  invoice_id bigint NOT NULL REFERENCES invoices ON DELETE RESTRICT,
  amount numeric(14, 2) NOT NULL CHECK (amount > 0),
  paid_at timestamptz NOT NULL,
  reference text
);
CREATE INDEX payments_invoice ON payments (invoice_id);

CREATE TABLE documents (
  id serial PRIMARY KEY,
  invoice_id bigint NOT NULL REFERENCES invoices ON DELETE CASCADE,
  path text NOT NULL UNIQUE,
  size bigint NOT NULL,
  sha256 char(64) NOT NULL,
  uploaded_at timestamptz NOT NULL
);

CREATE VIEW receivables AS
  SELECT c.name AS company, k.name AS customer, sum(i.amount - coalesce(p.paid, 0)) AS open_amount
  FROM invoices i JOIN customers k ON k.id = i.customer_id JOIN companies c ON c.id = k.company_id
    LEFT JOIN (SELECT invoice_id, sum(amount) AS paid FROM payments GROUP BY invoice_id) p ON p.invoice_id = i.id
  WHERE i.status NOT IN ('paid', 'written_off') GROUP BY c.name, k.name;
