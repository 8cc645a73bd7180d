/**
 * The architecture as lint rules: oxlint loads this file as a plugin (see .oxlintrc.json). The tables below are the architecture;
 * the rest of the file only compares imports with them.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Which storey each room of src/ is on. Arrows run downwards only, and rooms on one storey are blind to each other. */
const storeys: Readonly<Record<string, number>> = {
  'index.ts': 5,
  'cli': 4,
  'daemon': 3,
  'server': 3,
  'operations': 2,
  'engine': 1,
  'sources': 1,
  'storage': 1,
  'wal': 1,
  'policy': 1,
  'catalog': 1,
  'observe': 1,
  'config': 1,
  'errors.ts': 0,
  'events.ts': 0,
  'util': 0,
};
const groundStorey = 0;

/** Files that put the program together: they may reach any room. */
const composers = ['index.ts', 'cli/main.ts', 'daemon/daemon.ts'];

/** Rooms full of drivers, and the one file of each that everybody below `operations` may know, as types. */
const interfaces: Readonly<Record<string, string>> = { sources: 'sources/source.ts', storage: 'storage/storage.ts' };

/** Who may know the types of those interfaces from the same storey. */
const knowInterfaces = ['engine', 'wal'];

interface Import {
  /** Both relative to src/, with forward slashes. */
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** What is wrong with an import, or undefined. Pure: paths in, sentence out. */
export function judgeImport({ from, to, typeOnly }: Import): string | undefined {
  const isTest = /\.test\.ts$|(^|\/)testing\//.test(from);
  if (to.startsWith('../')) return isTest ? undefined : 'Code in src/ imports nothing outside src/.';
  const [here, there] = [roomOf(from), roomOf(to)];
  if (here === there) return undefined;
  const [storey, below] = [storeys[here], storeys[there]];
  if (storey === undefined || below === undefined) {
    return `src/${storey === undefined ? here : there} is not a room of this house: give it a storey in scripts/architecture.ts.`;
  }
  if (below > storey) return `${here} must not import ${there}: arrows run downwards only.`;
  if (isTest || composers.includes(from)) return undefined;
  if (below === storey && storey !== groundStorey) {
    if (!knowInterfaces.includes(here) || interfaces[there] !== to)
      return `${here} must not import ${there}: rooms on one storey are blind to each other.`;
    return typeOnly ? undefined : `${here} may import only types of ${to}: use "import type".`;
  }
  if (interfaces[there] !== undefined && interfaces[there] !== to && here !== 'operations') {
    return `${here} must not touch drivers (${to}): only ${composers.join(', ')} and operations/ do.`;
  }
  return undefined;
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? path;
}

/* The little of oxlint's plugin interface that is used here. */
interface Node {
  readonly type: string;
}
interface ModuleNode extends Node {
  readonly source: { readonly type: string; readonly value?: unknown } | null;
  readonly importKind?: string;
  readonly exportKind?: string;
}
interface CallNode extends Node {
  readonly callee: { readonly type: string; readonly name?: string };
  readonly arguments: readonly { readonly type: string; readonly value?: unknown }[];
}
interface RuleContext {
  readonly filename: string;
  report(finding: { readonly node: Node; readonly message: string }): void;
}

const sourceRoot = fileURLToPath(new URL('../src', import.meta.url));

const arrows = {
  create(context: RuleContext) {
    const from = belowSource(context.filename);
    if (from.startsWith('../')) return {};
    const judge = (node: Node, specifier: unknown, typeOnly: boolean): void => {
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
      const to = belowSource(resolve(dirname(context.filename), specifier));
      const message = judgeImport({ from, to, typeOnly });
      if (message !== undefined) context.report({ node, message });
    };
    const judgeModule = (node: ModuleNode): void => judge(node, node.source?.value, (node.importKind ?? node.exportKind) === 'type');
    return {
      ImportDeclaration: judgeModule,
      ExportNamedDeclaration: judgeModule,
      ExportAllDeclaration: judgeModule,
      ImportExpression: judgeModule,
      TSImportType: (node: ModuleNode) => judge(node, node.source?.value, true),
      // Worker threads are started as new URL('./thread.ts', import.meta.url).
      NewExpression: (node: CallNode) => {
        const file = node.arguments[0]?.value;
        if (node.callee.name === 'URL' && typeof file === 'string' && file.endsWith('.ts')) judge(node, file, false);
      },
    };
  },
};

const wallClock = {
  create(context: RuleContext) {
    const judge = (node: CallNode): void => {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'Date') return;
      if (node.type === 'NewExpression' && node.arguments.length > 0) return;
      context.report({ node, message: 'Do not read the wall clock here: pass a Clock (src/util/clock.ts).' });
    };
    return { NewExpression: judge, CallExpression: judge };
  },
};

function belowSource(path: string): string {
  return relative(sourceRoot, path).replaceAll(sep, '/');
}

export default { meta: { name: 'holdfast' }, rules: { 'arrows': arrows, 'wall-clock': wallClock } };
