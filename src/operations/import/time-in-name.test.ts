import { describe, expect, test } from 'vitest';
import { timeInName } from './time-in-name.ts';

const local = (text: string): string => new Date(text).toISOString();

describe('the time in a name', () => {
  test.each([
    ['shop_20251120_143000.sql.gz', '2025-11-20T14:30:00'],
    ['shop-20251120T143000.dump', '2025-11-20T14:30:00'],
    ['shop-20251120143005.dump', '2025-11-20T14:30:05'],
    ['20251120.tar.gz', '2025-11-20T00:00:00'],
    ['backup_2025-11-20.sql', '2025-11-20T00:00:00'],
    ['backup_2025-11-20T14-30-00.tar', '2025-11-20T14:30:00'],
    ['backup 2025-11-20 14:30.tar', '2025-11-20T14:30:00'],
    ['backup_2025-11-20_14-30-05.tar', '2025-11-20T14:30:05'],
    ['db.2025.11.20.dump', '2025-11-20T00:00:00'],
    ['db_2025_11_20_0200.dump', '2025-11-20T02:00:00'],
    ['uploads-20-11-2025.zip', '2025-11-20T00:00:00'],
    ['uploads-20.11.2025_18h30.zip', '2025-11-20T18:30:00'],
    ['uploads-11-20-2025.zip', '2025-11-20T00:00:00'],
    ['uploads-05-04-2025.zip', '2025-04-05T00:00:00'],
    ['uploads_20Nov2025.zip', '2025-11-20T00:00:00'],
    ['full-2025-11-20T14-30-00Z.tar', '2025-11-20T14:30:00Z'],
    ['shop-v2-20240229.sql', '2024-02-29T00:00:00'],
  ])('%s', (name, time) => {
    expect(timeInName(name)?.toISOString()).toBe(local(time));
  });

  test('seconds since 1970', () => {
    expect(timeInName('shop-1732113000.dump')?.toISOString()).toBe('2024-11-20T14:30:00.000Z');
  });

  test.each(['shop.sql', 'shop-20251340.sql', 'shop-2025-02-30.sql', 'order-123456789012345.sql', 'v15.18.dump', ''])(
    'none in "%s"',
    (name) => {
      expect(timeInName(name)).toBeUndefined();
    },
  );
});
