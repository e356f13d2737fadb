import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseTaskYaml } from '@llambert/contracts';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const pages = globSync('{*.md,docs/**/*.md,{apps,libs,tools,examples}/*/**/*.md}', {
  cwd: root,
  exclude: (name) => name.includes('node_modules'),
});
const read = (page: string) => readFileSync(join(root, page), 'utf8');

describe('the documentation', () => {
  it('has a page for every app, lib, tool and example', () => {
    const folders = globSync('{apps,libs,tools,examples}/*/', { cwd: root }).filter((folder) =>
      existsSync(join(root, folder, 'package.json')),
    );
    expect(folders.length).toBeGreaterThan(10);
    expect(folders.filter((folder) => !existsSync(join(root, folder, 'README.md')))).toEqual([]);
  });

  it.each(pages)('%s links to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link));
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it('shows only tasks that are valid', () => {
    const blocks = pages
      .flatMap((page) => [...read(page).matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!))
      .filter((block) => /^task:/m.test(block));
    expect(blocks.length).toBeGreaterThan(2);
    for (const block of blocks) expect(() => parseTaskYaml(block, { fileName: 'task.yaml' }), block).not.toThrow();
  });

  it('names only commands that there are', () => {
    const help = execFileSync(process.execPath, [join(root, 'apps/cli/src/main.ts'), 'help'], { encoding: 'utf8' });
    const commands = new Set([...help.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]!));
    expect(commands.size).toBeGreaterThan(8);
    const named = pages.flatMap((page) => [...read(page).matchAll(/npx llambert ([a-z]+)/g)].map((match) => match[1]!));
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((name) => !commands.has(name))).toEqual([]);
  });

  it('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = pages.flatMap((page) => [...read(page).matchAll(/npm run ([a-z:]+)/g)].map((match) => match[1]!));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
