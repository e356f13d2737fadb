import { globSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** One project per package, named by its folder: `npx vitest run --project libs/domain`, or `npx vitest run libs/domain`. */
const folders = globSync('{apps,libs,tools}/*/package.json').map((path) => path.replaceAll('\\', '/').replace(/\/package\.json$/, ''));

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: folders.sort().map((folder) => ({
      extends: true,
      test: {
        name: folder,
        root: folder,
        include: ['src/**/*.test.ts'],
        environment: 'node',
        testTimeout: 30_000,
        hookTimeout: 30_000,
      },
    })),
  },
});
