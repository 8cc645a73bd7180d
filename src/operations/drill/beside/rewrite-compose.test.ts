import { describe, expect, test } from 'vitest';
import { rewriteCompose, rewritePorts, volumeBeside, type Surroundings } from './rewrite-compose.ts';

const around: Surroundings = {
  project: 'mark',
  liveProject: 'shop',
  folder: '/scratch/app/srv/shop',
  target: '/scratch/app',
  ports: new Map([[25440, 40001]]),
  nextPort: () => 40099,
  imageOf: (service) => (service === 'web' ? 'sha256:live' : undefined),
  isThere: (path) => path === '/scratch/app/data/uploads',
};

const rewrite = (services: object, more: object = {}): ReturnType<typeof rewriteCompose> => rewriteCompose({ services, ...more }, around);

test('ports, names, images and mounts become those of the drill', () => {
  const { file, ports } = rewrite(
    {
      web: {
        build: '.',
        container_name: 'web',
        network_mode: 'host',
        environment: { DATABASE_URL: 'postgresql://u:p25440@127.0.0.1:25440/shop', OTHER: '125440' },
        ports: ['127.0.0.1:8080:80'],
        volumes: ['/scratch/app/srv/shop/code:/app:ro', '/data/uploads:/uploads:rw', '/etc/localtime:/etc/localtime:ro', 'cache:/cache'],
      },
    },
    { volumes: { cache: { name: 'shop_cache' }, shared: { external: true, name: 'common' } } },
  );
  expect(ports).toEqual(
    new Map([
      [25440, 40001],
      [8080, 40099],
    ]),
  );
  expect(JSON.parse(JSON.stringify(file))).toEqual({
    services: {
      web: {
        image: 'sha256:live',
        network_mode: 'host',
        environment: { DATABASE_URL: 'postgresql://u:p25440@127.0.0.1:40001/shop', OTHER: '125440' },
        ports: ['127.0.0.1:40099:80'],
        volumes: [
          '/scratch/app/srv/shop/code:/app:ro',
          '/scratch/app/data/uploads:/uploads:rw',
          '/etc/localtime:/etc/localtime:ro',
          'cache:/cache',
        ],
      },
    },
    networks: {},
    volumes: { cache: { name: 'mark_cache' }, shared: { name: 'mark_common' } },
  });
});

describe('what could touch the live application is refused', () => {
  test.each([
    ['a folder of this machine that is written to', { web: { image: 'x', volumes: ['/srv/live:/data'] } }, {}, /mounts \/srv\/live/],
    [
      'the same in long words',
      { web: { image: 'x', volumes: [{ type: 'bind', source: '/srv/live', target: '/data' }] } },
      {},
      /mounts \/srv\/live/,
    ],
    ['the engine itself', { web: { image: 'x', volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro'] } }, {}, /docker\.sock/],
    ['a network that others are on', { web: { image: 'x' } }, { networks: { common: { external: true } } }, /network "common"/],
    [
      'a volume that leads elsewhere',
      { web: { image: 'x' } },
      { volumes: { data: { driver_opts: { device: '/srv' } } } },
      /options of a driver/,
    ],
    ['what has to be built', { other: { build: '.' } }, {}, /has to be built/],
  ])('%s', (_, services, more, message) => expect(() => rewrite(services, more)).toThrow(message));

  test('the network of the host, where no ports are named', () => {
    const services = { web: { image: 'x', network_mode: 'host' } };
    expect(() => rewriteCompose({ services }, { ...around, ports: new Map() })).toThrow(/network of the host/);
  });
});

test('volumes of the project, and others', () => {
  expect(['shop_data', 'data', 'shopping_data', 'mark_data'].map((name) => volumeBeside(name, around))).toEqual([
    'mark_data',
    'mark_data',
    'mark_shopping_data',
    'mark_data',
  ]);
});

test('a port is a number of its own', () => {
  expect(rewritePorts('localhost:25440/25440x', around.ports)).toBe('localhost:40001/25440x');
  expect(rewritePorts('254400 p25440.1 1.25440', around.ports)).toBeUndefined();
});
