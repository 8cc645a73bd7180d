/** The notifier over the real catalog: what one process raises another one sends, once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startHookServer } from '../../../test/harness/watch/hook-server.ts';
import { openCatalog } from '../../catalog/catalog.ts';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { openNotifier } from './open-notifier.ts';

test('alarms outlive the process that raised them, and two that send do not send twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-notifier-'));
  const hook = await startHookServer();
  const text = `application: shop\nrepositories: { r: ./b }\ncomponents: { u: { files: u } }\nnotify: [{ slack: "${hook.url}" }]\n`;
  const parsed = parseConfiguration(text, { file: join(folder, 'holdfast.yaml'), environment: {} });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  const clock = { now: () => new Date('2026-11-20T12:00:00Z') };
  const open = () => {
    const catalog = openCatalog(folder, clock);
    return { catalog, notifier: openNotifier(parsed.configuration, { store: catalog.alarms, clock, environment: {} }) };
  };
  try {
    const first = open();
    first.notifier.raise({
      key: 'failure:u',
      event: 'failure',
      severity: 'critical',
      application: 'shop',
      title: 'It failed',
      text: '',
      facts: {},
      at: clock.now(),
    });
    first.catalog.close();
    const [second, third] = [open(), open()];
    const answers = await Promise.all([second.notifier.flush(), third.notifier.flush()]);
    expect(answers.flat()).toMatchObject([{ route: 'slack', ok: true, told: 1 }]);
    expect(hook.requests).toHaveLength(1);
    expect(third.notifier.openAlarms().map(({ alarm, told }) => [alarm.key, Object.keys(told)])).toEqual([['failure:u', ['slack']]]);
    third.notifier.resolve('failure:u', 'It was well.');
    await second.notifier.flush();
    expect(hook.requests[1]?.body).toContain('[RESOLVED] shop: It failed');
    for (const { catalog } of [second, third]) catalog.close();
  } finally {
    await hook.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
