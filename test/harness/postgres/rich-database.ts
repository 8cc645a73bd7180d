/** A database with one of everything that has been lost by backups before, as a script for psql. */
export const richRoles = `
CREATE ROLE app_owner LOGIN PASSWORD 'owner-secret';
CREATE ROLE app_reader;
CREATE ROLE "Role ""X"" é" CONNECTION LIMIT 3;
GRANT app_reader TO "Role ""X"" é";
ALTER ROLE app_reader SET work_mem = '7MB';
COMMENT ON ROLE app_reader IS 'reads; it''s "all"';
`;

export const richDatabase = String.raw`
CREATE EXTENSION pg_trgm;
CREATE TYPE mood AS ENUM ('fine', 'so-so', 'naïve');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE SCHEMA "Weird ""Name""" AUTHORIZATION app_owner;

CREATE TABLE public.customers (
  id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY,
  name text NOT NULL,
  feeling mood,
  shouted text GENERATED ALWAYS AS (upper(name)) STORED
);
ALTER TABLE public.customers OWNER TO app_owner;
INSERT INTO public.customers (name, feeling)
  SELECT 'Kunde № ' || n || E'\t“ünï”\\ \n' || repeat('x', n % 50), (ARRAY['fine', 'so-so', 'naïve', NULL])[1 + n % 4]::mood FROM generate_series(1, 2000) n;
CREATE INDEX customers_trgm ON public.customers USING gin (name gin_trgm_ops);

CREATE TABLE public.orders (
  id serial PRIMARY KEY,
  customer bigint NOT NULL REFERENCES public.customers ON DELETE CASCADE,
  amount positive,
  placed timestamptz NOT NULL DEFAULT '2026-01-01 00:00+00',
  payload bytea,
  UNIQUE (customer, id)
);
INSERT INTO public.orders (customer, amount, payload)
  SELECT 100 + 5 * (n % 2000), 1 + n % 7, decode(md5(n::text), 'hex') FROM generate_series(1, 5000) n;
INSERT INTO public.orders (customer, amount, payload) VALUES (100, NULL, '\x000a0d5c00ff'), (105, 1, ''), (110, 2, NULL);

CREATE TABLE "Weird ""Name"""."🐘 table; --" ("col ""1""" text, "select" integer[], "json ☃" jsonb);
INSERT INTO "Weird ""Name"""."🐘 table; --" VALUES (E'line\nbreak', '{1,NULL,3}', '{"a": [1, null, "ü"]}'), (NULL, NULL, NULL), ('\N', '{}', 'null');

CREATE TABLE public.empty_table (id integer PRIMARY KEY, note text DEFAULT 'none');
CREATE TABLE public.no_columns ();
INSERT INTO public.no_columns DEFAULT VALUES;
INSERT INTO public.no_columns DEFAULT VALUES;

CREATE TABLE public.events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE public.events_2025 PARTITION OF public.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE public.events_2026 PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE public.events_rest PARTITION OF public.events DEFAULT;
CREATE INDEX events_at ON public.events (at);
INSERT INTO public.events SELECT date '2025-06-01' + n, 'event ' || n FROM generate_series(1, 400) n;

CREATE TABLE public.parent (id integer, kind text);
CREATE TABLE public.child (extra text) INHERITS (public.parent);
INSERT INTO public.parent VALUES (1, 'parent');
INSERT INTO public.child VALUES (2, 'child', 'more'), (3, 'child', 'more');

CREATE UNLOGGED TABLE public.cache (k text, v text);
INSERT INTO public.cache VALUES ('a', 'b');

CREATE TABLE public.tenants (tenant text, secret text);
INSERT INTO public.tenants VALUES ('app_reader', 's1'), ('other', 's2');
ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON public.tenants FOR SELECT TO app_reader USING (tenant = current_user);

CREATE VIEW public.big_spenders AS SELECT customer, sum(amount) AS total FROM public.orders GROUP BY customer HAVING sum(amount) > 10;
CREATE MATERIALIZED VIEW public.totals AS SELECT count(*) AS n FROM public.orders;

CREATE FUNCTION public."odd $fn$"(input text) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  RETURN 'it''s $$ ' || $q$quoted ; -- not a comment $q$ || input || E'\\';
END $body$;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, 'touched'); RETURN NEW; END $$;
CREATE TRIGGER touch_note BEFORE INSERT ON public.empty_table FOR EACH ROW EXECUTE FUNCTION public.touch();

CREATE SEQUENCE public.invoice_numbers START 1000;
SELECT setval('public.invoice_numbers', 4711, true);

SELECT lo_from_bytea(7001, decode(repeat('00ff10', 100000), 'hex'));
SELECT lo_from_bytea(7002, '');
COMMENT ON LARGE OBJECT 7001 IS 'a large one';

GRANT SELECT ON public.customers TO app_reader;
GRANT SELECT, INSERT ON public.orders TO "Role ""X"" é" WITH GRANT OPTION;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
COMMENT ON TABLE public.orders IS 'orders; it''s all here';
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET search_path = "$user", public, "Weird ""Name"""', current_database());
  EXECUTE format('ALTER DATABASE %I SET my.setting = %L', current_database(), 'it''s, "this"');
  EXECUTE format('ALTER ROLE app_reader IN DATABASE %I SET statement_timeout = %L', current_database(), '9s');
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO app_reader', current_database());
  EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), 'the "rich" one');
END $$;
`;

/** Everything of it that must be equal after a restore, in words of the server itself. */
export const richFingerprint = `
SELECT 'customers', md5(string_agg(c::text, '|' ORDER BY id)) FROM public.customers c
UNION ALL SELECT 'orders', md5(string_agg(o::text, '|' ORDER BY id)) FROM public.orders o
UNION ALL SELECT 'weird', md5(string_agg(w::text, '|' ORDER BY w::text)) FROM "Weird ""Name"""."🐘 table; --" w
UNION ALL SELECT 'events', md5(string_agg(tableoid::regclass || e::text, '|' ORDER BY at)) FROM public.events e
UNION ALL SELECT 'parent', string_agg(tableoid::regclass || p::text, '|' ORDER BY id) FROM public.parent p
UNION ALL SELECT 'no columns', count(*)::text FROM public.no_columns
UNION ALL SELECT 'cache', string_agg(c::text, '|') FROM public.cache c
UNION ALL SELECT 'tenants', string_agg(t::text, '|' ORDER BY tenant) FROM public.tenants t
UNION ALL SELECT 'totals', n::text FROM public.totals
UNION ALL SELECT 'view', md5(string_agg(b::text, '|' ORDER BY customer)) FROM public.big_spenders b
UNION ALL SELECT 'odd function', public."odd $fn$"('x')
UNION ALL SELECT 'large objects', string_agg(oid || ':' || md5(lo_get(oid)) || coalesce(obj_description(oid, 'pg_largeobject'), ''), '|' ORDER BY oid) FROM pg_largeobject_metadata
UNION ALL SELECT 'sequences', string_agg(schemaname || sequencename || start_value || increment_by || coalesce(last_value::text, '-'), '|' ORDER BY sequencename) FROM pg_sequences
UNION ALL SELECT 'columns', md5(string_agg(concat(attrelid::regclass, attname, atttypid::regtype, attnotnull, attidentity, attgenerated, pg_get_expr(adbin, adrelid)), '|' ORDER BY attrelid::regclass::text, attname))
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace IN ('public'::regnamespace, '"Weird ""Name"""'::regnamespace))
UNION ALL SELECT 'relations', string_agg(concat(relname, relkind, relowner::regrole, relacl, relrowsecurity, relforcerowsecurity, relispartition, relpersistence), '|' ORDER BY relname)
  FROM pg_class WHERE relnamespace IN ('public'::regnamespace, '"Weird ""Name"""'::regnamespace)
UNION ALL SELECT 'constraints', string_agg(conname || pg_get_constraintdef(oid), '|' ORDER BY conname, conrelid::regclass::text) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'indexes', string_agg(indexdef, '|' ORDER BY indexdef) FROM pg_indexes WHERE schemaname !~ '^pg_'
UNION ALL SELECT 'policies', string_agg(p::text, '|') FROM pg_policies p
UNION ALL SELECT 'triggers', string_agg(pg_get_triggerdef(oid), '|') FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'extensions', string_agg(extname || extversion, '|' ORDER BY extname) FROM pg_extension
UNION ALL SELECT 'schemas', string_agg(concat(nspname, nspowner::regrole, nspacl), '|' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'
UNION ALL SELECT 'comment', obj_description('public.orders'::regclass)
UNION ALL SELECT 'database', concat(pg_get_userbyid(datdba), encoding, datcollate, datctype, ARRAY(SELECT a::text FROM unnest(datacl) a ORDER BY 1), shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'settings', string_agg(concat(setrole::regrole, setconfig), '|' ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database());
`;
