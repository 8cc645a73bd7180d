/** The section of the results about what is lost when a server is gone. Pure. */
import { spreadText, medianOf, verdictTable, wrapSection, writeHead, type SectionInput } from './section.ts';
import { lossCases, type LossOutcome } from './wal-loss.ts';

export interface LossReportInput extends SectionInput {
  readonly outcome: LossOutcome;
}

export function writeLossSection(input: LossReportInput): string {
  const { samples, flushMs, serverVersion } = input.outcome;
  const of = (name: (typeof lossCases)[number]) => samples.filter((sample) => sample.case === name);
  const seconds = (name: (typeof lossCases)[number]): number[] => of(name).map(({ lostMs }) => lostMs / 1000);
  const rows = lossCases.map((name) => {
    const transactions = of(name).map(({ lost }) => lost);
    const committed = of(name).map((sample) => sample.committed);
    return `| ${name} | ${of(name).length} | ${spreadText(seconds(name), 2)} | ${spreadText(transactions, 0)} | ${spreadText(committed, 0)} |`;
  });
  const [alone, together, synchronous] = lossCases;
  const flush = flushMs / 1000;
  const verdicts = [
    { text: `${alone} gone: median lost, s`, measured: medianOf(seconds(alone)), most: flush },
    { text: `${together} gone: median lost, s`, measured: medianOf(seconds(together)), most: flush },
    { text: `${synchronous}: most lost, transactions`, measured: Math.max(...of(synchronous).map(({ lost }) => lost)), most: 0 },
  ];
  const text = `## loss: a PostgreSQL server under load is gone at once

${writeHead(input, `PostgreSQL ${serverVersion}`)}

| what is gone | trials | lost, s | lost, transactions | confirmed, transactions |
|---|--:|--:|--:|--:|
${rows.join('\n')}

${verdictTable(verdicts)}

One client commits as fast as it can, \`holdfast wal stream --flush ${flush}s\` receives; after 1.5 to 3.5 seconds the server gets SIGKILL and its disk counts as gone: what the repository does not have is lost.
Lost seconds are counted from the confirmation of the first transaction that is not in the repository to that instant. Where the receiver survives, it stores what it has in memory when the
connection breaks. With \`--synchronous\` and \`synchronous_standby_names\` the server confirms a transaction when the repository has it.`;
  return wrapSection('loss', text);
}
