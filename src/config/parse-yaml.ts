/** From the text of a YAML file to a tree of plain values with places. Bounded: neither aliases nor depth can fill the memory. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Alias,
  type Node,
  type ParsedNode,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { problemAt, type ConfigurationProblem, type Located, type LocatedEntry, type SourceText } from './located-tree.ts';
import { describeSyntaxError } from './yaml-errors.ts';

/** With what aliases stand for. */
const mostValues = 50_000;
const deepest = 50;
const mostProblems = 20;
const mostSyntaxErrors = 3;

export interface ParsedYaml {
  /** Absent for an empty file and where the text is no YAML. */
  readonly tree?: Located;
  readonly source: SourceText;
  readonly problems: readonly ConfigurationProblem[];
}

/** Parses one document of YAML 1.2 with merge keys (`<<`). Never throws. */
export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  const source = { text, lines };
  try {
    const document = parseDocument<ParsedNode>(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false, // compared with all others one by one: quadratic
      schema: 'core',
      version: '1.2',
    });
    const complaints = [...document.errors, ...document.warnings];
    if (complaints.length > 0) return { source, problems: describeSyntaxErrors(complaints, source) };
    if (document.contents === null) return { source, problems: [] };
    const reader = new TreeReader(source, anchorsOf(document.contents));
    const tree = reader.read(document.contents, 0);
    return { source, problems: reader.problems.slice(0, mostProblems), ...(tree === undefined ? {} : { tree }) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { source, problems: [problemAt({ source, at: 0 }, `found values inside one another deeper than allowed, which is ${deepest}`)] };
  }
}

/* What follows a first error is mostly its echo: the first of a line, and few of them. */
function describeSyntaxErrors(complaints: readonly YAMLError[], source: SourceText): ConfigurationProblem[] {
  const byLine = new Map<number, ConfigurationProblem>();
  for (const complaint of complaints) {
    const { line } = source.lines.linePos(complaint.pos[0]);
    if (byLine.has(line)) continue;
    byLine.set(line, problemAt({ source, at: complaint.pos[0] }, describeSyntaxError(complaint, source)));
    if (byLine.size === mostSyntaxErrors) break;
  }
  return [...byLine.values()];
}

/** What each alias stands for: the last value before it that carries its name. */
function anchorsOf(root: ParsedNode): Map<Alias, Node> {
  const byName = new Map<string, Node>();
  const anchors = new Map<Alias, Node>();
  visit(root, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = byName.get(node.source);
        if (target !== undefined) anchors.set(node, target);
      } else if (node.anchor !== undefined) byName.set(node.anchor, node);
    },
  });
  return anchors;
}

class TreeReader {
  readonly problems: ConfigurationProblem[] = [];
  readonly #source: SourceText;
  readonly #anchors: ReadonlyMap<Alias, Node>;
  #values = 0;

  constructor(source: SourceText, anchors: ReadonlyMap<Alias, Node>) {
    this.#source = source;
    this.#anchors = anchors;
  }

  /** Undefined where nothing can be made of it; why is among the problems. */
  read(node: Node | null, depth: number): Located | undefined {
    const place = this.#placeOf(node);
    this.#values += 1;
    if (this.#values > mostValues)
      return this.#refuseOnce(node, `found more values than allowed, which is ${mostValues} with what aliases stand for`);
    if (depth > deepest) return this.#refuseOnce(node, `found values inside one another deeper than allowed, which is ${deepest}`);
    if (node === null) return { ...place, type: 'scalar', value: null };
    if (isAlias(node)) return this.#readAlias(node, depth);
    if (isScalar(node)) return this.#readScalar(node.value, node);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(asNode(item), depth + 1));
      return { ...place, type: 'list', items: items.filter((item) => item !== undefined) };
    }
    if (isMap(node)) return this.#readMapping(node, depth);
    return this.#refuse(node, 'found a value of an unknown kind, allowed are texts, numbers, true, false, lists and mappings');
  }

  #readAlias(alias: Alias, depth: number): Located | undefined {
    const target = this.#anchors.get(alias);
    if (target !== undefined) return this.read(target, depth + 1);
    return this.#refuse(alias, `found *${alias.source}, allowed are names that an earlier value carries as &${alias.source}`);
  }

  #readScalar(value: unknown, node: Node | null): Located | undefined {
    if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
      return { ...this.#placeOf(node), type: 'scalar', value };
    return this.#refuse(node, 'found a value of an unknown kind, allowed are texts, numbers, true and false');
  }

  #readMapping(map: YAMLMap, depth: number): Located {
    const entries = new Map<string, LocatedEntry>();
    const merged = new Map<string, LocatedEntry>();
    for (const pair of map.items) {
      const keyNode = asNode(pair.key);
      const key = isScalar(keyNode) && keyNode.value !== null ? keyNode.source : undefined;
      if (key === undefined || key === '__proto__') {
        this.#refuse(keyNode ?? map, 'found a key that is no word, allowed are words');
        continue;
      }
      const valueNode = asNode(pair.value);
      // In `{ key }` there is no value at all.
      const value = valueNode === null ? this.#readScalar(null, keyNode) : this.read(valueNode, depth + 1);
      if (value === undefined) continue;
      if (key === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
        this.#merge(value, merged);
      } else if (entries.has(key)) {
        const { line } = this.#source.lines.linePos(entries.get(key)?.key.at ?? 0);
        this.#refuse(keyNode, `found the key ${JSON.stringify(key)} a second time (first in line ${line}), allowed is one`);
      } else entries.set(key, { key: this.#placeOf(keyNode), value });
    }
    for (const [key, entry] of merged) if (!entries.has(key)) entries.set(key, entry);
    return { ...this.#placeOf(map), type: 'mapping', entries };
  }

  /** `<<: *defaults` or a list of such: the first that has a key gives it. */
  #merge(value: Located, into: Map<string, LocatedEntry>): void {
    for (const source of value.type === 'list' ? value.items : [value]) {
      if (source.type !== 'mapping') {
        this.problems.push(problemAt(source, 'found something else than a mapping for "<<", allowed are mappings and lists of them'));
        continue;
      }
      for (const [key, entry] of source.entries) if (!into.has(key)) into.set(key, entry);
    }
  }

  #placeOf(node: Node | null): { readonly source: SourceText; readonly at: number } {
    return { source: this.#source, at: node?.range?.[0] ?? 0 };
  }

  #refuse(node: Node | null, message: string): undefined {
    this.problems.push(problemAt(this.#placeOf(node), message));
    return undefined;
  }

  /* Every further value would say the same. */
  #refuseOnce(node: Node | null, message: string): undefined {
    return this.problems.some((problem) => problem.message === message) ? undefined : this.#refuse(node, message);
  }
}

function asNode(value: unknown): Node | null {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value) ? value : null;
}
