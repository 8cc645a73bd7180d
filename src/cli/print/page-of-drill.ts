/** A drill's report as a page that a person can read, print and sign: plain HTML, no scripts, nothing from elsewhere. */
import type { DrilledComponent, DrillReport } from '../../operations/drill/drill-report.ts';
import { describeCompared } from './print-drill.ts';
import { formatMoment, formatSeconds, formatSize } from './quantities.ts';
import { printable } from './table.ts';

const style = `
body { font: 11pt/1.45 system-ui, sans-serif; color: #111; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #ccc; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } code { font-size: .9em; overflow-wrap: anywhere; }
.verdict { display: inline-block; margin: .6rem 0; padding: .3rem .8rem; border: 2px solid; font-weight: 700; }
.proven { color: #14532d; } .disproved, .wrong { color: #8b1111; } .failed { color: #7a4b00; }
.sign td { height: 3.2rem; width: 33%; vertical-align: bottom; border-bottom: 1px solid #111; }
@media print { body { margin: 0; max-width: none; } h2, tr { break-inside: avoid; break-after: auto; } }
`;

const verdictWords: Readonly<Record<DrillReport['verdict'], string>> = {
  proven: 'Proven: everything came back as it was saved',
  disproved: 'Disproved: not everything came back as it was saved',
  failed: 'Not tried to the end',
};

/** @param sha256 of the report as it is kept in the repository, where it is */
export function pageOfDrill(report: Omit<DrillReport, 'previous'>, sha256?: string): string {
  const { application, drill, kind, point, verdict, assertions, findings, remarks, error } = report;
  const wrong = [...findings, ...(error === undefined ? [] : [`${error.message} ${error.hint}`])];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(`Test restore of ${application ?? 'a point'}, ${report.began.slice(0, 10)}`)}</title><style>${style}</style></head><body>
<h1>${escape(`Test restore of ${application ?? 'a point'}`)}</h1>
<p class="verdict ${verdict}">${verdictWords[verdict]}</p>
${table([
  ['Point', `<code>${escape(point.id)}</code>, made ${escape(point.time)} on ${escape(point.host)}`],
  ['Repository', `${escape(report.repository.location)} (<code>${escape(report.repository.id)}</code>)`],
  ['Drill', escape(`${drill ?? 'asked for by hand'} (${kind})`)],
  ['Began', escape(`${formatMoment(new Date(report.began))} (${report.began})`)],
  ['Took', escape(`${formatSeconds(report.seconds)}; allowed were ${formatSeconds(report.withinSeconds)}`)],
  ['By', escape(`${report.by.user} on ${report.by.host} (${report.by.trigger})`)],
  [
    'Versions',
    escape(
      Object.entries(report.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ),
  ],
])}
${section('Components', report.components.length === 0 ? '' : componentTable(report.components))}
${section('Steps', stepsTable([...report.steps, ...report.components.flatMap(({ name, steps }) => steps.map((step) => ({ ...step, name: `${name}: ${step.name}` })))]))}
${section('Assertions', assertions.length === 0 ? '' : table(assertions.map(({ name, passed, reason }) => [`<code>${escape(name)}</code>`, passed ? 'passed' : `<span class="wrong">failed: ${escape(reason ?? '')}</span>`])))}
${section('What is wrong', list(wrong, 'wrong'))}
${section('Remarks', list(remarks, ''))}
${section('Signatures', '<table class="sign"><tr><td>Date</td><td>Name</td><td>Signature</td></tr><tr><td>Date</td><td>Name</td><td>Signature</td></tr></table>')}
<p><small>Report <code>${escape(report.id)}</code>${sha256 === undefined ? '' : `, SHA-256 <code>${escape(sha256)}</code>`}. It is kept in the repository; <code>holdfast drill --report ${escape(report.id)}</code> shows it again.</small></p>
</body></html>
`;
}

function componentTable(components: readonly DrilledComponent[]): string {
  const rows = components.map((component) => {
    const { name, kind, verdict, seconds, bytes, mismatches, remarks, error } = component;
    const wrong = [...mismatches, ...(error === undefined ? [] : [`${error.message} ${error.hint}`])];
    return `<tr><td>${escape(name)}<br><small>${escape(kind)}</small></td><td class="${verdict}">${verdict}</td><td>${escape(describeCompared(component))}${list(wrong, 'wrong')}${list(remarks, '')}</td><td class="number">${escape(formatSize(bytes))}</td><td class="number">${escape(formatSeconds(seconds))}</td></tr>`;
  });
  return `<table><tr><th>Component</th><th>Verdict</th><th>Compared</th><th>Size</th><th>Time</th></tr>${rows.join('\n')}</table>`;
}

function stepsTable(steps: readonly { readonly name: string; readonly seconds: number }[]): string {
  if (steps.length === 0) return '';
  const rows = steps.map(
    ({ name, seconds }) => `<tr><td>${escape(name)}</td><td class="number">${escape(formatSeconds(seconds))}</td></tr>`,
  );
  return `<table>${rows.join('\n')}</table>`;
}

/** Cells are HTML already. */
function table(rows: readonly (readonly string[])[]): string {
  return `<table>${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}</table>`;
}

function list(lines: readonly string[], kind: string): string {
  return lines.length === 0 ? '' : `<ul class="${kind}">${lines.map((line) => `<li>${escape(line)}</li>`).join('\n')}</ul>`;
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<h2>${title}</h2>\n${content}`;
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return printable(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
