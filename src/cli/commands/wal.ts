import { defaultFlushMs } from '../../config/base-backups.ts';
import { HoldfastError, exitStatus, toHoldfastError } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { openRepository } from '../open-repository.ts';
import { readDuration } from '../option-values.ts';
import { chooseWal, requireWal, walServerOptions } from '../wal-options.ts';

/** How far it is, with --json: the daemon makes metrics of it. */
const tellEveryMs = 10_000;

export const walStreamCommand: CommandDescription = {
  name: 'wal stream',
  description:
    'Receives the write-ahead log of a PostgreSQL server into the repository for as long as it runs: with a base backup, any moment can be recovered. It may be killed and started again at any time. A replication slot makes the server keep what is not stored yet; remove it with `holdfast wal drop-slot` when you stop for good, or the disk of the server fills up.',
  options: [
    ...walServerOptions,
    { flags: '--flush <duration>', text: 'store what is new this often: what may be lost at most (default: 10s)' },
    { flags: '--synchronous', text: 'store everything at once, for a server whose synchronous_standby_names lists holdfast_SLOT' },
    { flags: '--once', text: 'end when everything is stored that the server had at the beginning' },
    { flags: '--until <lsn>', text: 'end when everything up to this position is stored, such as 16/B374D848' },
    { flags: '--restart', text: 'where the server has removed WAL that was needed: record the gap and go on after it' },
  ],
  examples: [
    'wal stream -r /backups/app --postgres postgresql://replicator@localhost/postgres',
    'wal stream -c holdfast.yaml --flush 2s',
    'wal stream -r /backups/app --postgres postgresql://replicator@localhost/postgres --once',
  ],
  run: async (context) => {
    const { options, output, clock } = context;
    options.onlyOneOf('once', 'until');
    const flushMs = options.value('flush', readFlush);
    const { parseLsn } = await import('../../util/lsn.ts');
    const until = options.has('once') ? 'caught-up' : options.value('until', parseLsn);
    const chosen = await requireWal(context);
    const { streamWal } = await import('../../operations/wal/stream-wal.ts');
    const { recordOfReceiver, textOfReceiver } = await import('../print/print-wal.ts');
    const configured = chosen.configured?.wal;
    const repository = await openRepository(context);
    let telling: NodeJS.Timeout | undefined;
    try {
      const receiver = streamWal(
        repository,
        {
          server: await chosen.open(),
          slot: chosen.slot,
          flushMs: flushMs ?? configured?.flushMs ?? defaultFlushMs,
          synchronous: options.has('synchronous') || configured?.synchronous === true,
          restart: options.has('restart'),
          clock,
          ...(until === undefined ? {} : { until }),
        },
        context,
      );
      if (output.json) {
        const tell = (): void => output.result({ ...recordOfReceiver(receiver.status()), message_type: 'status' }, () => '');
        telling = setInterval(tell, tellEveryMs);
      }
      const status = await receiver.done;
      output.result(recordOfReceiver(status), () => (output.quiet ? '' : textOfReceiver(status)));
      return exitStatus.done;
    } finally {
      clearInterval(telling);
      await repository.close();
    }
  },
};

export const walStatusCommand: CommandDescription = {
  name: 'wal status',
  description:
    'Shows how far the stored write-ahead log goes, timeline by timeline: the newest moment that can be recovered, and gaps. With a server, also how far that is behind it, its slot, and how much it keeps in pg_wal. Exit status 4: there are gaps, or the slot is lost.',
  options: walServerOptions,
  examples: ['wal status -r /backups/app', 'wal status -c holdfast.yaml --json'],
  run: async (context) => {
    const { output } = context;
    const chosen = await chooseWal(context);
    const { readWalStatus } = await import('../../operations/wal/wal-status.ts');
    const { isTroubled, recordOfStatus, textOfStatus } = await import('../print/print-wal.ts');
    const repository = await openRepository(context);
    try {
      const server = chosen === undefined ? {} : { server: await chosen.open(), slot: chosen.slot };
      const status = await readWalStatus(repository, server, context);
      output.result(recordOfStatus(status), () => textOfStatus(status, context.clock.now()));
      return isTroubled(status) ? exitStatus.disproved : exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};

export const walPushCommand: CommandDescription = {
  name: 'wal push',
  description:
    "Stores one finished file of pg_wal: for PostgreSQL's archive_command, where streaming is not wanted. A segment that is stored already with the same content is fine; with another, this fails.\nThe password comes from HOLDFAST_PASSWORD_FILE and the like, as everywhere: the server's environment must have it.",
  arguments: [{ name: '<path>', text: 'the file, as PostgreSQL says %p' }],
  examples: ['wal push -r /backups/app -p /etc/holdfast/password pg_wal/000000010000000000000003'],
  run: async (context) => {
    const { args, output } = context;
    const [path = ''] = args;
    const { pushWal } = await import('../../operations/wal/push-wal.ts');
    const repository = await openRepository(context);
    try {
      const { name, systemId, result, bytes } = await pushWal(repository, path);
      output.result({ message_type: 'summary', name, system_id: systemId, result, bytes }, () =>
        output.quiet ? '' : `${name} ${result === 'stored' ? 'stored' : 'was stored already'}`,
      );
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};

export const walFetchCommand: CommandDescription = {
  name: 'wal fetch',
  description:
    "Brings back one file of the write-ahead log: for PostgreSQL's restore_command. Exit status 1: it is certain that the repository does not have it, and recovery may end there; 126: anything else went wrong, and recovery must not go on.",
  arguments: [
    { name: '<name>', text: 'the file, as PostgreSQL says %f' },
    { name: '<path>', text: 'where to put it, as PostgreSQL says %p' },
  ],
  options: [{ flags: '--system <id>', text: 'the system identifier of the cluster (default: that of the data directory it is for)' }],
  examples: ['wal fetch -r /backups/app -p /etc/holdfast/password 000000010000000000000003 pg_wal/RECOVERYXLOG'],
  run: async (context) => {
    const { args, options, output } = context;
    const [name = '', path = ''] = args;
    try {
      const { fetchWal } = await import('../../operations/wal/fetch-wal.ts');
      const repository = await openRepository(context);
      try {
        const result = await fetchWal(repository, name, path, options.text('system'));
        output.result({ message_type: 'summary', name, result }, () => '');
        if (result === 'absent') output.remark(`${name} is not stored`);
        return result === 'fetched' ? exitStatus.done : exitStatus.failed;
      } finally {
        await repository.close();
      }
    } catch (error) {
      // 1 would tell PostgreSQL that the log ends here: it would come up with the rest missing.
      const { message, hint } = toHoldfastError(error);
      throw new HoldfastError('wal-fetch-failed', { name, reason: message.replace(/\.$/, ''), remedy: hint }, error);
    }
  },
};

export const walDropSlotCommand: CommandDescription = {
  name: 'wal drop-slot',
  description:
    'Removes the replication slot from the server, which then frees the log that it kept for it. End `holdfast wal stream` first.',
  options: walServerOptions,
  examples: ['wal drop-slot --postgres postgresql://replicator@localhost/postgres --slot holdfast', 'wal drop-slot -c holdfast.yaml'],
  run: async (context) => {
    const { output } = context;
    const chosen = await requireWal(context);
    const { slot } = chosen;
    const { dropWalSlot } = await import('../../operations/wal/drop-slot.ts');
    const dropped = await dropWalSlot(await chosen.open(), slot, context);
    output.result({ message_type: 'summary', slot, dropped }, () =>
      output.quiet ? '' : dropped ? `slot "${slot}" removed` : `there is no slot "${slot}"`,
    );
    return exitStatus.done;
  },
};

function readFlush(text: string): number {
  const milliseconds = readDuration(text);
  if (milliseconds < 50 || milliseconds > 3_600_000) throw new Error('is not between 50ms and 1h');
  return milliseconds;
}
