import { expect, test } from 'vitest';
import { splitStatements } from './split-statements.ts';

test('semicolons in quotes, names, escapes and comments do not end a statement', () => {
  const sql = `-- it's; a comment\n\\restrict k;e'y\nCREATE ROLE "a;""b";\nCOMMENT ON ROLE x IS E'it\\'s; \\\\';\nALTER ROLE e SET x TO 'a;''b'; ;GRANT a TO b\n WITH ADMIN OPTION;\nCREATE ROLE cut`;
  expect([...splitStatements(sql)]).toEqual([
    `CREATE ROLE "a;""b"`,
    `COMMENT ON ROLE x IS E'it\\'s; \\\\'`,
    `ALTER ROLE e SET x TO 'a;''b'`,
    'GRANT a TO b\n WITH ADMIN OPTION',
  ]);
  expect([...splitStatements(`SELECT '${'x'.repeat(5_000_000)};'; SELECT E'${"y''".repeat(500_000)}';`)]).toHaveLength(2);
});
