import { Gauge, Registry } from 'prom-client';
import type { MetricFacts } from './metric-facts.ts';
import { metricList, type Sample } from './metric-list.ts';

/** Of the text that `renderMetrics` makes. */
export const metricsContentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** The facts in the text format of Prometheus. Each call stands for itself: what is not in the facts is not in the text. */
export async function renderMetrics(facts: MetricFacts): Promise<string> {
  const registry = new Registry();
  for (const { name, help, labels, read } of metricList) {
    const samples = read(facts).flatMap(({ labels: own, value }) => {
      const number = numberOf(value);
      return number === undefined ? [] : [{ labels: own, number }];
    });
    if (samples.length === 0) continue;
    const gauge = new Gauge({ name, help, labelNames: ['application', ...labels], registers: [registry] });
    for (const sample of samples) gauge.set({ application: facts.application, ...sample.labels }, sample.number);
  }
  return registry.metrics();
}

function numberOf(value: Sample['value']): number | undefined {
  const number = value instanceof Date ? value.getTime() / 1000 : Number(value);
  return value === undefined || !Number.isFinite(number) ? undefined : number;
}
