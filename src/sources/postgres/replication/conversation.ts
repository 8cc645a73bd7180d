/** Commands and answers on a wire: rows, copies, complaints. */
import { ServerComplaint } from '../server-errors.ts';
import { ProtocolFailure } from './failures.ts';
import type { Wire, WirePart } from './wire.ts';

export type ReplicationRow = Readonly<Record<string, string | null>>;

export type Step =
  /** A result that is complete. */
  | { readonly type: 'rows'; readonly rows: readonly ReplicationRow[] }
  | { readonly type: 'copy-in' | 'copy-out' | 'copy-both' }
  /** The server waits for the next command. */
  | { readonly type: 'ready' };

/** `latin1` keeps every byte as it is, for values that are no text. */
export type RowEncoding = 'utf8' | 'latin1';

/** What the server remarks in passing: a warning, a notice. */
export type RemarkSink = (remark: { readonly severity: string; readonly message: string }) => void;

export interface Conversation {
  readonly wire: Wire;
  readonly remark: RemarkSink;
}

/** The fields of ErrorResponse and NoticeResponse, by their letters. */
function readComplaint(body: Buffer): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (const field of body.toString('utf8').split('\0')) if (field !== '') fields[field.charAt(0)] = field.slice(1);
  return fields;
}

export function sendCommand({ wire }: Conversation, command: string): void {
  wire.send('Q', Buffer.from(`${command}\0`, 'utf8'));
}

/** The next part that is not a remark, a parameter or a notification. */
export async function nextPart({ wire, remark }: Conversation): Promise<WirePart> {
  for (;;) {
    const part = wire.tryNext() ?? (await wire.next());
    if (part.type === 'N') {
      const fields = readComplaint(part.body);
      remark({ severity: fields['V'] ?? fields['S'] ?? '', message: [fields['M'], fields['D']].filter(Boolean).join(': ') });
    } else if (part.type !== 'S' && part.type !== 'A') return part;
  }
}

/** Reads up to the end of a result, the beginning of a copy, or the end of the command. Throws a ServerComplaint, a WireFailure or a ProtocolFailure. */
export async function readStep(conversation: Conversation, encoding: RowEncoding = 'utf8'): Promise<Step> {
  const rows: ReplicationRow[] = [];
  let columns: readonly string[] = [];
  for (;;) {
    const part = await nextPart(conversation);
    switch (part.type) {
      case 'T':
        columns = readColumns(part.body);
        break;
      case 'D':
        rows.push(readRow(part.body, columns, encoding));
        break;
      case 'C':
      case 'I':
        return { type: 'rows', rows };
      case 'G':
        return { type: 'copy-in' };
      case 'H':
        return { type: 'copy-out' };
      case 'W':
        return { type: 'copy-both' };
      case 'Z':
        return { type: 'ready' };
      case 'E':
        throw await hearOut(conversation, part.body);
      default:
        throw distrust(conversation, part);
    }
  }
}

/** Runs a command that has no copy in it. Rows of each result. */
export async function runCommand(conversation: Conversation, command: string, encoding: RowEncoding = 'utf8'): Promise<ReplicationRow[][]> {
  sendCommand(conversation, command);
  const results: ReplicationRow[][] = [];
  for (;;) {
    const step = await readStep(conversation, encoding);
    if (step.type === 'ready') return results;
    if (step.type !== 'rows') throw new ProtocolFailure('it began to copy where it was only asked');
    results.push([...step.rows]);
  }
}

/** What the server complained of; reads on until it waits for the next command, where it is to go on at all. */
export async function hearOut(conversation: Conversation, body: Buffer): Promise<ServerComplaint> {
  const fields = readComplaint(body);
  const text = [fields['M'], fields['D']].filter(Boolean).join(': ');
  const complaint = new ServerComplaint(fields['C'] ?? '', text);
  const severity = fields['V'] ?? fields['S'];
  if (severity === 'FATAL' || severity === 'PANIC') conversation.wire.destroy(complaint);
  else await readUntilReady(conversation).catch(() => {});
  return complaint;
}

async function readUntilReady(conversation: Conversation): Promise<void> {
  while ((await nextPart(conversation)).type !== 'Z');
}

export function distrust({ wire }: Conversation, { type }: WirePart): ProtocolFailure {
  const failure = new ProtocolFailure(`it sent a message of the kind "${type}" out of turn`);
  wire.destroy(failure);
  return failure;
}

function readColumns(body: Buffer): string[] {
  const columns: string[] = [];
  let at = 2;
  for (let left = body.length < 2 ? 0 : body.readInt16BE(0); left > 0; left -= 1) {
    const end = body.indexOf(0, at);
    if (end === -1) throw new ProtocolFailure('it described columns that are cut off');
    columns.push(body.toString('utf8', at, end));
    /* The table, the column, the type and its size, which are of no use here. */
    at = end + 19;
  }
  return columns;
}

function readRow(body: Buffer, columns: readonly string[], encoding: RowEncoding): ReplicationRow {
  const row: Record<string, string | null> = {};
  let at = 2;
  for (const column of columns) {
    if (at + 4 > body.length) throw new ProtocolFailure('it sent a row that is cut off');
    const length = body.readInt32BE(at);
    at += 4;
    row[column] = length < 0 ? null : body.toString(encoding, at, at + length);
    at += Math.max(0, length);
  }
  return row;
}
