import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** KaTeX's style sheet names every font three times; every browser that runs this app reads WOFF2. */
function woff2Only(): Plugin {
  return {
    name: 'vivim-woff2-only',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('katex') || !id.split('?')[0]!.endsWith('.css')) return null;
      return code.replace(/,url\([^)]*\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)/g, '');
    },
  };
}

/** What is fetched ahead: all code, and the fonts of Latin script. Other fonts are kept when they are first used. */
function isNeededFirst(name: string): boolean {
  return (
    /\.(?:js|css|svg|webmanifest)$/.test(name) ||
    /-latin-(?:opsz|wght)-\w+-[^.]*\.woff2$/.test(name)
  );
}

/** Writes `sw.js` from its template with the list of built files and a version made of their names and contents. */
function serviceWorker(): Plugin {
  return {
    name: 'vivim-service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => !name.endsWith('.map'))
        .sort();
      const hash = createHash('sha256');
      for (const name of files) {
        const item = bundle[name]!;
        hash.update(name).update(item.type === 'chunk' ? item.code : item.source);
      }
      const template = readFileSync(new URL('src/sw.js', import.meta.url), 'utf8');
      this.emitFile({
        type: 'asset',
        fileName: 'sw.js',
        source: template
          .replace('__VERSION__', hash.update(template).digest('hex').slice(0, 16))
          .replace('__FILES__', JSON.stringify(files.filter((name) => name !== 'index.html')))
          .replace('__FIRST__', JSON.stringify(files.filter(isNeededFirst))),
      });
    },
  };
}

const node = process.env['VIVIM_DEV_NODE'] ?? 'http://127.0.0.1:8479';

export default defineConfig({
  base: './',
  plugins: [woff2Only(), serviceWorker()],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: node, ws: true }, '/sync': { target: node, ws: true } },
  },
});
