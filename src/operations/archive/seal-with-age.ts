import { readFile } from 'node:fs/promises';
import { armor as asText, Encrypter } from 'age-encryption';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { Sealer } from './sealing.ts';

/** Encrypts to age recipients. Throws `seal-recipient` for what is none. */
export async function openAgeSealer(named: readonly string[], armor: boolean): Promise<Sealer> {
  const recipients = (await Promise.all(named.map(readRecipients))).flat();
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (error) {
      throw new HoldfastError('seal-recipient', { recipient, reason: 'it is no age recipient' }, error);
    }
  }
  return {
    ending: '.age',
    title: `age, to ${recipients.join(', ')}`,
    openCommand: (file) => `age --decrypt --identity "$AGE_KEY" ${file}`,
    seal: (bytes) => (armor ? armored(sealWith(encrypter, bytes)) : sealWith(encrypter, bytes)),
    close: () => Promise.resolve(),
  };
}

/** `age1…` itself, or the file of that name, as age's --recipients-file reads it. */
async function readRecipients(named: string): Promise<string[]> {
  if (named.startsWith('age1')) return [named];
  let text: string;
  try {
    text = await readFile(named, 'utf8');
  } catch (error) {
    throw new HoldfastError(
      'seal-recipient',
      { recipient: named, reason: `it is neither a recipient nor a file that can be read (${reasonOf(error)})` },
      error,
    );
  }
  if (text.includes('AGE-SECRET-KEY-'))
    throw new HoldfastError('seal-recipient', {
      recipient: named,
      reason: 'that file holds a secret key, and a public one is needed: age-keygen -y',
    });
  const recipients = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (recipients.length === 0) throw new HoldfastError('seal-recipient', { recipient: named, reason: 'that file names nobody' });
  return recipients;
}

async function* sealWith(encrypter: Encrypter, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = bytes[Symbol.asyncIterator]();
  const source = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const step: IteratorResult<Uint8Array, unknown> = await iterator.next();
        if (step.done === true) controller.close();
        else controller.enqueue(step.value);
      },
      cancel: async () => void (await iterator.return?.()),
    },
    { highWaterMark: 0 },
  );
  const sealed = (await encrypter.encrypt(source)).getReader();
  let ended = false;
  try {
    for (let part = await sealed.read(); !part.done; part = await sealed.read()) yield part.value;
    ended = true;
  } finally {
    if (!ended) {
      await sealed.cancel().catch(() => {});
      await iterator.return?.();
    }
  }
}

async function* armored(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  yield Buffer.from(asText.encode(Buffer.concat(chunks)), 'utf8');
}
