import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const server = process.env['DEEPEYES_SERVER'] ?? 'http://127.0.0.1:6116';

// The page lives at any path (a notebook's proxy, `--base-path`), so every address in it is relative.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: { outDir: 'dist', target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } } } },
});
