/** The demo's invoicing database, made by the server itself and the same on every run. */

export const rowsExpected = { customers: 4000, invoices: 40_000, lines: 120_000, payments: 36_000 } as const;

export const applicationSchema = `
SELECT setseed(0.42);

CREATE TYPE invoice_status AS ENUM ('draft', 'sent', 'paid', 'overdue');

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  country char(2) NOT NULL,
  address jsonb NOT NULL,
  created_at timestamptz NOT NULL
);
INSERT INTO customers (name, email, country, address, created_at)
  SELECT (ARRAY['Müller', 'Ångström', 'Sørensen', 'Nguyễn', 'García', 'O''Brien', 'Kowalski', 'Dvořák', 'Rossi', 'Smith'])[1 + n % 10]
           || ' ' || (ARRAY['GmbH', 'AB', 'Ltd', 'SARL', 'S.p.A.', 'Inc'])[1 + floor(random() * 6)::int],
         'billing' || n || '@example.org',
         (ARRAY['DE', 'SE', 'GB', 'FR', 'IT', 'US'])[1 + floor(random() * 6)::int],
         jsonb_build_object('street', 'Street ' || floor(random() * 999), 'zip', lpad(floor(random() * 99999)::text, 5, '0')),
         timestamptz '2024-01-01 00:00+00' + random() * interval '600 days'
  FROM generate_series(1, ${rowsExpected.customers}) n;

CREATE TABLE invoices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  customer_id bigint NOT NULL REFERENCES customers,
  status invoice_status NOT NULL,
  issued_on date NOT NULL,
  notes text
);
INSERT INTO invoices (number, customer_id, status, issued_on, notes)
  SELECT 'INV-' || lpad(n::text, 6, '0'), 1 + floor(random() * ${rowsExpected.customers})::int,
         (ARRAY['paid', 'paid', 'paid', 'sent', 'overdue', 'draft'])[1 + floor(random() * 6)::int]::invoice_status,
         date '2025-01-01' + floor(random() * 500)::int,
         CASE WHEN random() < 0.3 THEN 'Delivery ' || md5(random()::text) END
  FROM generate_series(1, ${rowsExpected.invoices}) n;
CREATE INDEX invoices_by_customer ON invoices (customer_id, issued_on);

CREATE TABLE lines (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice_id bigint NOT NULL REFERENCES invoices ON DELETE CASCADE,
  description text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  unit_price numeric(10, 2) NOT NULL,
  total numeric(12, 2) GENERATED ALWAYS AS (quantity * unit_price) STORED
);
INSERT INTO lines (invoice_id, description, quantity, unit_price)
  SELECT 1 + (n - 1) / 3, (ARRAY['Consulting', 'Hosting', 'Licence', 'Support', 'Hardware'])[1 + floor(random() * 5)::int] || ' ' || substr(md5(random()::text), 1, 8),
         1 + floor(random() * 12)::int, round((5 + random() * 900)::numeric, 2)
  FROM generate_series(1, ${rowsExpected.lines}) n;
CREATE INDEX lines_by_invoice ON lines (invoice_id);

CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice_id bigint NOT NULL REFERENCES invoices,
  amount numeric(12, 2) NOT NULL,
  paid_at timestamptz NOT NULL,
  reference uuid NOT NULL
);
INSERT INTO payments (invoice_id, amount, paid_at, reference)
  SELECT 1 + floor(random() * ${rowsExpected.invoices})::int, round((10 + random() * 5000)::numeric, 2),
         timestamptz '2025-01-01 00:00+00' + random() * interval '500 days', md5(n::text || random()::text)::uuid
  FROM generate_series(1, ${rowsExpected.payments}) n;
CREATE INDEX payments_by_invoice ON payments (invoice_id);

CREATE VIEW open_balance AS
  SELECT i.customer_id, sum(l.total) AS billed FROM invoices i JOIN lines l ON l.invoice_id = i.id WHERE i.status IN ('sent', 'overdue') GROUP BY i.customer_id;
ANALYZE;
`;
