/** What the pages for people point at exists: files, headings, npm scripts. */
import { globSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '../../scripts/run-program.ts';

const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: projectRoot, exclude: ['node_modules/**'] }).toSorted();

test.each(pages)('links of %s lead somewhere', (page) => {
  const broken = linksOf(read(page)).filter((link) => !leadsSomewhere(page, link));
  expect(broken).toEqual([]);
});

test.each(pages)('npm scripts named in %s exist', (page) => {
  const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
  const named = [...read(page).matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)].map((match) => match[1] ?? '');
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

function read(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

/** Relative links outside of code: `[text](target)`. */
function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map((match) => match[1] ?? '').filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(projectRoot, page) : resolve(projectRoot, dirname(page), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(text: string): string[] {
  const headings = [...withoutCodeBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '');
  return headings.map((heading) =>
    heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCodeBlocks(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}

function withoutCode(text: string): string {
  return withoutCodeBlocks(text).replaceAll(/(?<!\[)`[^`\n]*`(?!\])/g, '');
}
