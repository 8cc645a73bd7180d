/** YAML and JSON, through the YAML parser's places in the text: nothing is written anew, so comments, order and quotes stay. */
import { type Node, type Pair, Parser, type Scalar, isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { ConfigValue, Dialect } from './config-value.ts';
import { lineDialect } from './line-dialect.ts';
import { isSecretKey } from './secret-keys.ts';

export const yamlDialect: Dialect = { name: 'yaml', comment: '#', readValues: (text) => readTree(text, false) };
export const jsonDialect: Dialect = { name: 'json', readValues: (text) => readTree(text, true) };

interface Place {
  readonly path: readonly string[];
  readonly kind: 'guarded' | 'secret' | 'open';
}

interface WholeDocument {
  readonly document: Node;
  readonly kubernetesSecret: boolean;
}

/** Lists of variables in Compose files, Kubernetes manifests, CI definitions. */
const variableLists = new Set(['environment', 'env', 'env_vars', 'variables', 'build_args', 'args', 'stringdata']);
/** Below `secrets`, Compose names them and says where they lie. */
const namesOfSecrets = new Set(['file', 'external', 'name', 'environment', 'source', 'target', 'uid', 'gid', 'mode', 'driver', 'labels']);
const secretFlag = /^--?[\w-]*(?:pass(?:word|wd|phrase)?|secret|token|key|auth|requirepass|masterauth|credentials?)$/i;

function readTree(text: string, isJson: boolean): ConfigValue[] {
  const documents = parseDocuments(text);
  if (documents === undefined) return lineDialect('unknown').readValues(text);
  const values: ConfigValue[] = isJson ? [] : findComments(text);
  for (const document of documents) {
    if (document === null) continue;
    walk(document, { path: [], kind: 'open' }, { document, kubernetesSecret: isMap(document) && document.get('kind') === 'Secret' });
  }
  return values.toSorted((a, b) => a.start - b.start);

  function walk(node: unknown, place: Place, whole: WholeDocument, before?: unknown): void {
    if (isMap(node)) for (const pair of node.items) walkPair(pair, place, whole);
    else if (isSeq(node)) {
      let previous: unknown;
      for (const [index, item] of node.items.entries()) {
        walk(item, { ...place, path: [...place.path, String(index)] }, whole, previous);
        previous = isScalar(item) ? item.value : undefined;
      }
    } else if (isScalar(node)) addScalar(node, place, before);
  }

  function walkPair(pair: Pair, place: Place, whole: WholeDocument): void {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    /* A list of names and values: - name: X, value: Y. */
    const name = key.toLowerCase() === 'value' ? siblingName(whole.document, place.path) : undefined;
    const isName = key === 'name' && place.kind === 'guarded' && variableLists.has(place.path.at(-2)?.toLowerCase() ?? '');
    if (isName) walk(pair.value, { path: [...place.path, key], kind: 'open' }, whole);
    else if (name !== undefined) walk(pair.value, { path: [...place.path, name], kind: isSecretKey(name) ? 'secret' : 'guarded' }, whole);
    else walk(pair.value, { path: [...place.path, key], kind: kindOf(key, place, whole.kubernetesSecret) }, whole);
  }

  function addScalar(node: Scalar, { path, kind }: Place, before: unknown): void {
    const range = node.range;
    if (range === undefined || range === null || range[1] <= range[0]) return;
    const [start, end] = range;
    const quote = node.type === 'QUOTE_DOUBLE' ? '"' : node.type === 'QUOTE_SINGLE' ? "'" : '';
    const name = path.join('.');
    const followsFlag = typeof before === 'string' && secretFlag.test(before);
    const its = followsFlag ? 'secret' : kind;
    if (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') values.push(...readBlock(text, start, end, name, its));
    else {
      const inner = quote === '' ? { start, end } : { start: start + 1, end: end - 1 };
      const variable = /^[\w.-]+=/.exec(text.slice(inner.start, inner.end));
      const parent = path.at(-2)?.toLowerCase() ?? '';
      if (variable !== null && variableLists.has(parent)) {
        /* - KEY=value */
        const key = variable[0].slice(0, -1);
        const value = { start: inner.start + variable[0].length, end: inner.end, quote: '' } as const;
        values.push({ ...value, name: [...path.slice(0, -1), key].join('.'), kind: isSecretKey(key) ? 'secret' : 'guarded' });
      } else if (
        kind === 'guarded' &&
        variableLists.has(parent) &&
        /^\d+$/.test(path.at(-1) ?? '') &&
        typeof node.value === 'string' &&
        /^[A-Za-z_]\w*$/.test(node.value)
      ) {
        /* - KEY, which is taken from elsewhere */
        values.push({ ...inner, name, kind: 'open', quote });
      } else values.push({ ...inner, name, kind: its, quote, ...(isJson && quote === '' ? { quoteWhenBlanked: '"' as const } : {}) });
    }
  }
}

/** Undefined where it is not YAML. Several documents may stand in one text. */
function parseDocuments(text: string): (Node | null)[] | undefined {
  try {
    const documents = parseAllDocuments(text, {
      keepSourceTokens: true,
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
      strict: false,
    });
    if (!Array.isArray(documents) || documents.some((document) => document.errors.length > 0)) return undefined;
    return documents.map((document) => (isAlias(document.contents) ? null : document.contents));
  } catch {
    return undefined;
  }
}

function kindOf(key: string, place: Place, kubernetesSecret: boolean): Place['kind'] {
  const parent = place.path.at(-1)?.toLowerCase();
  if (kubernetesSecret && place.path.length === 0 && /^(?:data|stringData)$/.test(key)) return 'secret';
  if (place.path.some((name) => name.toLowerCase() === 'secrets'))
    return namesOfSecrets.has(key) ? 'open' : isSecretKey(key) ? 'secret' : 'open';
  if (key.toLowerCase() === 'secrets') return 'open';
  if (isSecretKey(key)) return 'secret';
  if (variableLists.has(key.toLowerCase())) return 'guarded';
  /* Below a name that promises a secret, everything is one. */
  return place.kind === 'guarded' && parent !== undefined ? 'guarded' : place.kind;
}

function siblingName(document: Node, path: readonly string[]): string | undefined {
  let node: unknown = document;
  for (const step of path) {
    if (isMap(node)) node = node.get(step, true);
    else if (isSeq(node)) node = node.items[Number(step)];
    else return undefined;
  }
  if (!isMap(node)) return undefined;
  const name = node.get('name') ?? node.get('key');
  return typeof name === 'string' ? name : undefined;
}

/** The lines of a block below its `|` or `>`. A secret one is a value of its own; otherwise its lines are looked at one by one. */
function readBlock(text: string, start: number, end: number, name: string, kind: Place['kind']): ConfigValue[] {
  const firstLine = text.indexOf('\n', start) + 1;
  if (firstLine === 0 || firstLine >= end) return [];
  const body = text.slice(firstLine, end).replace(/[\r\n\s]+$/, '');
  const indent = /^[ \t]*/.exec(body.replace(/^(?:[ \t]*\r?\n)+/, ''))?.[0] ?? '';
  if (kind !== 'open') return [{ name, start: firstLine, end: firstLine + body.length, kind, quote: '', indent }];
  return lineDialect('unknown')
    .readValues(body)
    .map((value) => ({
      ...value,
      name: value.name === '' ? '' : `${name}.${value.name}`,
      start: value.start + firstLine,
      end: value.end + firstLine,
    }));
}

function findComments(text: string): ConfigValue[] {
  const found: ConfigValue[] = [];
  const look = (token: unknown): void => {
    if (typeof token !== 'object' || token === null) return;
    if (Array.isArray(token)) return token.forEach(look);
    const { type, offset, source } = token as { type?: unknown; offset?: unknown; source?: unknown };
    if (type === 'comment' && typeof offset === 'number' && typeof source === 'string')
      found.push({ name: '', start: offset, end: offset + source.length, kind: 'comment', quote: '' });
    else for (const child of Object.values(token)) look(child);
  };
  for (const token of new Parser().parse(text)) look(token);
  return found;
}
