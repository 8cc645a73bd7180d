CREATE DOMAIN confidence AS real CHECK (VALUE BETWEEN 0 AND 1);
ALTER TABLE invoices ADD COLUMN certainty confidence;
COMMENT ON COLUMN invoices.certainty IS 'how sure the reader was; NULL where a person typed it';
CREATE TABLE reviews (
  invoice_id bigint PRIMARY KEY REFERENCES invoices ON DELETE CASCADE,
  user_id integer NOT NULL REFERENCES users,
  verdict text NOT NULL CHECK (verdict IN ('right', 'wrong')),
  remark text
);
