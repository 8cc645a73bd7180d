/** Where the parts of a base backup lie within its snapshot. */
const root = '/postgres/cluster';

export const baseLayout = {
  root,
  manifest: `${root}/base.json`,
  pageMap: `${root}/pages.map`,
  /** The data directory; the server's own manifest is in it. */
  data: `${root}/data`,
  serverManifest: `${root}/data/backup_manifest`,
  tablespaces: `${root}/tablespaces`,
  configuration: `${root}/config`,
} as const;

/** The folder of a tablespace: its content (`PG_15_202209061/…`) lies directly in it. */
export function tablespaceFolder(oid: string): string {
  return `${baseLayout.tablespaces}/${oid}`;
}

/** What the server's manifest calls a file of the snapshot: `base/5/16384`, `pg_tblspc/16400/PG_…/5/16384`; undefined for what is not of the cluster itself. */
export function nameInCluster(path: string): string | undefined {
  if (path.startsWith(`${baseLayout.data}/`)) return path.slice(baseLayout.data.length + 1);
  if (path.startsWith(`${baseLayout.tablespaces}/`)) return `pg_tblspc/${path.slice(baseLayout.tablespaces.length + 1)}`;
  return undefined;
}

/** The other way round. */
export function pathInSnapshot(name: string): string {
  const [, rest] = /^pg_tblspc\/(.+\/.+)$/.exec(name) ?? [];
  return rest === undefined ? `${baseLayout.data}/${name}` : `${baseLayout.tablespaces}/${rest}`;
}
