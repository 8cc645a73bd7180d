-- after 3fa1c2_people
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY papers_of_the_public ON documents FOR SELECT USING (path NOT LIKE 'private/%');
CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  who text NOT NULL,
  address inet,
  what jsonb NOT NULL
);
CREATE INDEX audit_log_at ON audit_log USING brin (at);
REVOKE UPDATE, DELETE ON audit_log FROM PUBLIC;
COMMENT ON TABLE audit_log IS 'written, never changed';
