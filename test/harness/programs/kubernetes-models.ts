/** The schema of Kubernetes' own objects, as npm has it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { fetchPackage } from '../stores/fetched-package.ts';

const models = { name: 'kubernetes-models', version: '5.1.0', asOf: '2026-11-01', size: '0.4 MB and what it needs' };

const moduleSchema = z.record(z.string(), z.unknown());
const modelSchema = z.custom<new (value: unknown) => { validate(): void }>((value) => typeof value === 'function');

/** Fetches it where it is not here yet. */
export async function fetchKubernetesModels(): Promise<string> {
  return fetchPackage(models);
}

/** Throws with what is wrong, as the API server would refuse it: unknown keys, wrong types, missing values. */
export async function validateObject(object: { readonly apiVersion: string; readonly kind: string }): Promise<void> {
  const path = join(await fetchKubernetesModels(), 'node_modules', models.name, object.apiVersion, `${object.kind}.js`);
  const loaded = moduleSchema.parse(await import(pathToFileURL(path).href));
  const model = modelSchema.parse(loaded[object.kind]);
  new model(object).validate();
}
