import { expect, test } from 'vitest';
import { maskConfiguration, maskText } from './mask-configuration.ts';

test.each([
  ['postgresql://app:hunter2@db:5432/app', [], 'postgresql://app:***@db:5432/app'],
  ['postgresql://app:p@ss/w:rd@db/app', [], 'postgresql://app:***@db/app'],
  ['postgresql://app@db/app', [], 'postgresql://app@db/app'],
  ['s3://bucket/prefix?endpoint=x&secret_key=abc&region=y', [], 's3://bucket/prefix?endpoint=x&secret_key=***&region=y'],
  ['curl -u me:hunter2 x', ['hunter2'], 'curl -u me:*** x'],
  ['abc', ['abc'], '***'],
  ['abcd', ['abc'], 'abcd'],
  ['longer-secret and secret', ['secret', 'longer-secret'], '*** and ***'],
])('%s', (text, sensitive, shown) => {
  expect(maskText(text, sensitive)).toBe(shown);
});

test('whatever is a value of a secret', () => {
  const configuration = { a: [{ password: { value: 'x' }, other: { file: '/run/x' } }], port: 7, none: null };
  expect(maskConfiguration(configuration, [])).toEqual({
    a: [{ password: { value: '***' }, other: { file: '/run/x' } }],
    port: 7,
    none: null,
  });
});
