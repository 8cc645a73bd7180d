CREATE SCHEMA audit;
CREATE TABLE audit.changes (
  at timestamptz NOT NULL,
  table_name text NOT NULL,
  key text NOT NULL,
  change jsonb NOT NULL
) PARTITION BY LIST (table_name);
CREATE TABLE audit.changes_payments PARTITION OF audit.changes FOR VALUES IN ('payments');
CREATE TABLE audit.changes_other PARTITION OF audit.changes DEFAULT;

CREATE FUNCTION audit.note_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit.changes VALUES (NEW.paid_at, TG_TABLE_NAME, NEW.id::text, to_jsonb(NEW));
  RETURN NULL;
END;
$$;
CREATE TRIGGER payments_audit AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION audit.note_payment();
