/**
 * A real SMTP server. Debian's postfix and exim want a configuration, a spool and a user of their own; aiosmtpd is a library of the same
 * protocol that a script of one page makes a server of, and it is nobody's code of ours or of nodemailer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export interface SmtpOptions {
  /** Paths; with them STARTTLS is demanded, or TLS from the start. */
  readonly certificate?: string;
  readonly key?: string;
  readonly implicit?: boolean;
  readonly user?: string;
  readonly password?: string;
  /** Recipients that it refuses. */
  readonly refused?: readonly string[];
}

const mailSchema = z.object({
  from: z.string(),
  to: z.array(z.string()),
  encrypted: z.boolean(),
  user: z.string().nullable(),
  data: z.string(),
});
export type ReceivedMail = z.infer<typeof mailSchema>;

export interface SmtpServer {
  readonly port: number;
  /** In the order in which they came. */
  readonly mails: readonly ReceivedMail[];
  stop(): Promise<void>;
}

const script = fileURLToPath(new URL('smtp-server.py', import.meta.url));

export async function startSmtpServer(options: SmtpOptions = {}): Promise<SmtpServer> {
  const child = spawn('/usr/bin/python3', [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const mails: ReceivedMail[] = [];
  const ready = Promise.withResolvers<number>();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said = `${said}${text}`.slice(-4000)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const port = /^listens on (\d+)$/.exec(line)?.[1];
    if (port === undefined) mails.push(mailSchema.parse(JSON.parse(line)));
    else ready.resolve(Number(port));
  });
  const ended = once(child, 'exit');
  child.once('error', ready.reject);
  child.once('exit', () => ready.reject(new Error(`Cannot start the SMTP server: ${said}`)));
  return {
    port: await ready.promise,
    mails,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
