/**
 * A less able store for tests: OpenStack Swift with its S3 layer on one machine, with ports and a folder of its own. It knows no conditions on
 * a put and no locks. Gone afterwards, however this process ends (ceph-processes.ts).
 */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Keys } from './ceph.ts';
import { freePort } from '../programs/free-port.ts';
import { openStoreProcesses, type StoreProcesses } from './ceph-processes.ts';

export interface Swift extends S3Keys {
  readonly endpoint: string;
  readonly port: number;
  readonly region: 'us-east-1';
  createBucket(name: string): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
}

/** Starts a store (4 seconds on a quiet machine). Throws, with what the servers said, where it does not come up. */
export async function startSwift(): Promise<Swift> {
  for (let attempt = 1; ; attempt += 1) {
    const processes = await openStoreProcesses('swift');
    try {
      return await startOnce(processes);
    } catch (error) {
      await processes.stop();
      /* Between finding a free port and listening on it, another process may take it. */
      if (attempt === 3 || !/in use|Address|bind/i.test(String(error))) throw error;
    }
  }
}

const accountServers = ['account', 'container', 'object'] as const;

async function startOnce(processes: StoreProcesses): Promise<Swift> {
  const { folder } = processes;
  const [port, cachePort, ...ports] = await Promise.all([freePort(), freePort(), ...accountServers.map(freePort)]);
  for (const name of ['disks/one', 'cache']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'swift.conf'), '[swift-hash]\nswift_hash_path_suffix = tests\nswift_hash_path_prefix = tests\n');
  const rings = accountServers.map((name, index) => [name, ports[index] ?? 0] as const);
  await processes.run(['/usr/bin/python3', '-c', makeRings, ...rings.flat().map(String)]);
  for (const [name, ownPort] of rings) await configureServer(folder, name, ownPort);
  await writeFile(join(folder, 'proxy.conf'), proxyConfiguration(folder, port, cachePort));
  processes.start('cache', ['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', String(cachePort), '-U', '0', '-m', '64']);
  for (const name of accountServers) processes.start(name, [`swift-${name}-server`, join(folder, `${name}.conf`)]);
  processes.start('proxy', ['swift-proxy-server', join(folder, 'proxy.conf')]);
  for (const each of [cachePort, ...ports, port]) await processes.untilUp(each);
  const [accessKey, secretKey] = ['testing:tester', 'secret-of-swift'];
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  return {
    endpoint,
    port,
    region: 'us-east-1',
    accessKey,
    secretKey,
    environment: { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey },
    createBucket: async (name) => {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    },
    stop: async () => {
      client.destroy();
      await processes.stop();
    },
  };
}

/* One device, one copy, for each kind of server. A program a ring and a step, as Swift has them, would take most of the time. */
const makeRings = `
import sys
from swift.common.ring import RingBuilder
for name, port in zip(sys.argv[1::2], sys.argv[2::2]):
    builder = RingBuilder(2, 1, 0)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1.0, 'device': 'one', 'meta': '', 'ip': '127.0.0.1', 'port': int(port),
                     'replication_ip': '127.0.0.1', 'replication_port': int(port)})
    builder.rebalance()
    builder.get_ring().save(name + '.ring.gz')
`;

async function configureServer(folder: string, name: string, port: number): Promise<void> {
  const settings = `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = root
swift_dir = ${folder}
devices = ${folder}/disks
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
workers = 0
log_level = WARNING
log_address = ${folder}/no-log
recon_cache_path = ${folder}/cache
[pipeline:main]
pipeline = ${name}-server
[app:${name}-server]
use = egg:swift#${name}
`;
  await writeFile(join(folder, `${name}.conf`), settings);
}

function proxyConfiguration(folder: string, port: number, cachePort: number): string {
  const filters = [
    'catch_errors',
    'gatekeeper',
    'proxy-logging',
    'cache',
    'listing_formats',
    'bulk',
    's3api',
    'tempauth',
    'slo',
    'dlo',
    'versioned_writes',
    'symlink',
  ];
  const uses = ['catch_errors', 'gatekeeper', 'listing_formats', 'bulk', 'slo', 'dlo', 'symlink'];
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = root
swift_dir = ${folder}
workers = 0
log_level = WARNING
log_address = ${folder}/no-log
[pipeline:main]
pipeline = ${filters.join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cachePort}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_testing_tester = secret-of-swift .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
${uses.map((name) => `[filter:${name}]\nuse = egg:swift#${name}\n`).join('')}`;
}
