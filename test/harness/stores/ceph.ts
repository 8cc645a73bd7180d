/**
 * A real object store for tests: Ceph's S3 gateway over a monitor and one disk, on this machine, with ports and a folder of its own.
 * Gone afterwards, however this process ends (ceph-processes.ts).
 */
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../programs/free-port.ts';
import { openStoreProcesses, type StoreProcesses } from './ceph-processes.ts';

export interface CephOptions {
  /** Where the objects lie: in memory, or (`bluestore`) in a file, so that they outlive `kill`. Default `memstore`. */
  readonly store?: 'memstore' | 'bluestore';
  /** Knows STANDARD_IA and GLACIER besides STANDARD, which takes longer to start. Objects of either are read at once. */
  readonly storageClasses?: boolean;
}

export interface S3Keys {
  readonly accessKey: string;
  readonly secretKey: string;
  /** The keys as the AWS programs and restic want them. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Ceph extends S3Keys {
  readonly endpoint: string;
  readonly port: number;
  readonly region: 'default';
  /** The owner of every bucket, for what tests do besides. */
  readonly client: S3Client;
  createBucket(name: string, options?: { readonly lock?: boolean }): Promise<void>;
  /** A user who may do nothing in the owner's buckets. */
  addUser(name: string): Promise<S3Keys>;
  /** Lets a user do these things (`s3:GetObject` and the like) in a bucket, and nothing else; the rule replaces what there was. */
  allow(bucket: string, user: string, actions: readonly string[]): Promise<void>;
  /** From now on a bucket takes no more than this. */
  setQuota(bucket: string, bytes: number): Promise<void>;
  /** Kills all servers (-9), as a power cut would. */
  kill(): Promise<void>;
  /** Starts them again. Only with `bluestore` is there anything left. */
  restart(): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
}

/** Starts a store (1 to 5 seconds on a quiet machine). Throws, with what the servers said, where it does not come up. */
export async function startCeph(options: CephOptions = {}): Promise<Ceph> {
  for (let attempt = 1; ; attempt += 1) {
    const processes = await openStoreProcesses('ceph');
    try {
      return await startOnce(processes, options);
    } catch (error) {
      await processes.stop();
      /* Between finding a free port and listening on it, another process may take it. */
      if (attempt === 3 || !/in use|Address|bind/i.test(String(error))) throw error;
    }
  }
}

async function startOnce(processes: StoreProcesses, options: CephOptions): Promise<Ceph> {
  const { folder } = processes;
  const [port, monitorPort, oldMonitorPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const monitor = `[v2:127.0.0.1:${monitorPort},v1:127.0.0.1:${oldMonitorPort}]`;
  const fsid = randomUUID();
  for (const name of ['mon', 'osd', 'log', 'sock', 'rgw']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'ceph.conf'), configuration({ folder, fsid, monitor, port, store: options.store ?? 'memstore' }));
  const ceph = ['-c', join(folder, 'ceph.conf')];
  await makeKeys(processes);
  await processes.run(['monmaptool', '--create', '--addv', 'a', monitor, '--fsid', fsid, 'monmap', '--clobber']);
  await processes.run(['ceph-mon', ...ceph, '--mkfs', '-i', 'a', '--monmap', 'monmap', '--keyring', 'keyring']);
  processes.start('monitor', ['ceph-mon', ...ceph, '-f', '-i', 'a']);
  await processes.untilUp(monitorPort);
  const disk = randomUUID();
  await processes.run(['ceph', ...ceph, 'osd', 'new', disk]);
  await processes.run(['ceph-osd', ...ceph, '-i', '0', '--mkfs', '--osd-uuid', disk]);
  processes.start('disk', ['ceph-osd', ...ceph, '-f', '-i', '0']);
  const owner = keysOf('OWNER', randomBytes(20).toString('hex'));
  const admin = (...words: string[]): Promise<string> => processes.run(['radosgw-admin', ...ceph, ...words]);
  await createUser(admin, 'owner', owner);
  const startGateway = async (): Promise<void> => {
    processes.start('gateway', ['radosgw', ...ceph, '-f', '-n', 'client.rgw.a']);
    await processes.untilUp(port);
  };
  if (options.storageClasses === true) await addStorageClasses(admin);
  await startGateway();
  return describe({
    processes,
    admin,
    owner,
    port,
    restart: async () => {
      processes.start('monitor', ['ceph-mon', ...ceph, '-f', '-i', 'a']);
      await processes.untilUp(monitorPort);
      processes.start('disk', ['ceph-osd', ...ceph, '-f', '-i', '0']);
      await startGateway();
    },
  });
}

interface CephParts {
  readonly processes: StoreProcesses;
  readonly admin: (...words: string[]) => Promise<string>;
  readonly owner: S3Keys;
  readonly port: number;
  readonly restart: () => Promise<void>;
}

function describe({ processes, admin, owner, port, restart }: CephParts): Ceph {
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: owner.accessKey, secretAccessKey: owner.secretKey };
  const client = new S3Client({
    endpoint,
    region: 'default',
    forcePathStyle: true,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  return {
    ...owner,
    endpoint,
    port,
    region: 'default',
    client,
    createBucket: async (name, { lock = false } = {}) => {
      await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: lock }));
    },
    addUser: async (name) => {
      const keys = keysOf(name.toUpperCase(), randomBytes(20).toString('hex'));
      await createUser(admin, name, keys);
      return keys;
    },
    allow: async (bucket, user, actions) => {
      const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
      const Statement = [{ Effect: 'Allow', Principal: { AWS: [`arn:aws:iam:::user/${user}`] }, Action: actions, Resource }];
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }));
    },
    setQuota: async (bucket, bytes) => {
      await admin('quota', 'set', '--quota-scope=bucket', `--bucket=${bucket}`, `--max-size=${bytes}`);
      await admin('quota', 'enable', '--quota-scope=bucket', `--bucket=${bucket}`);
    },
    kill: () => processes.killAll(),
    restart,
    stop: async () => {
      client.destroy();
      await processes.stop();
    },
  };
}

function keysOf(accessKey: string, secretKey: string): S3Keys {
  return {
    accessKey,
    secretKey,
    environment: { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey, AWS_DEFAULT_REGION: 'default' },
  };
}

/** The first of these also makes the default zone. */
async function createUser(admin: CephParts['admin'], name: string, { accessKey, secretKey }: S3Keys): Promise<void> {
  await admin('user', 'create', `--uid=${name}`, `--display-name=${name}`, `--access-key=${accessKey}`, `--secret-key=${secretKey}`);
}

async function addStorageClasses(admin: CephParts['admin']): Promise<void> {
  for (const name of ['STANDARD_IA', 'GLACIER']) {
    const where = ['--placement-id=default-placement', `--storage-class=${name}`];
    await admin('zonegroup', 'placement', 'add', '--rgw-zonegroup=default', ...where);
    await admin('zone', 'placement', 'add', '--rgw-zone=default', ...where, `--data-pool=default.rgw.${name}.data`);
  }
}

async function makeKeys({ run }: StoreProcesses): Promise<void> {
  const add = (name: string, ...rights: string[]): Promise<string> => run(['ceph-authtool', 'keyring', '--gen-key', '-n', name, ...rights]);
  await run(['ceph-authtool', 'keyring', '--create-keyring', '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
  await add('client.admin', '--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *');
  await add('osd.0', '--cap', 'mon', 'allow profile osd', '--cap', 'osd', 'allow *');
  await add('client.rgw.a', '--cap', 'mon', 'allow rwx', '--cap', 'osd', 'allow rwx');
}

interface CephConfiguration {
  readonly folder: string;
  readonly fsid: string;
  readonly monitor: string;
  readonly port: number;
  readonly store: string;
}

/** One copy of everything, small pools, no waiting for neighbours; quotas and deleted data are looked at all the time. */
function configuration({ folder, fsid, monitor, port, store }: CephConfiguration): string {
  return `[global]
fsid = ${fsid}
mon host = ${monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = ${folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush initial weight = 1
mon allow pool size one = true
mon data avail crit = 1
paxos propose interval = 0.02
paxos min wait = 0.01
mon data = ${folder}/mon
osd data = ${folder}/osd
osd objectstore = ${store}
memstore device bytes = 8589934592
bluestore block size = 10737418240
log file = ${folder}/log/$name.log
mon cluster log file = ${folder}/log/cluster.log
admin socket = ${folder}/sock/$name.asok
pid file = ${folder}/$name.pid
run dir = ${folder}
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw data = ${folder}/rgw
rgw bucket quota ttl = 0
rgw user quota bucket sync interval = 1
rgw gc obj min wait = 1
rgw gc processor period = 2
rgw gc processor max time = 2
`;
}
