/** The answered checklist, as text and as data. */
import type { ChecklistItem } from '../../operations/status/checklist.ts';
import { formatTable, printable } from './table.ts';

export function recordOfItem({ id, period, question, answer, why }: ChecklistItem): object {
  return { message_type: 'checklist_item', id, period, question, answer, why };
}

const marks = { yes: '[x]', no: '[ ]', unknown: '[?]' } as const;

export function textOfChecklist(items: readonly ChecklistItem[]): string {
  return formatTable(
    ['', 'when', 'question', 'because'],
    items.map(({ period, question, answer, why }) => [marks[answer], period, question, printable(why)]),
  );
}
