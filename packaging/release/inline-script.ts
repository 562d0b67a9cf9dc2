/** Puts one script into the pages of a build themselves: for what has to run when their other files are missing. */
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

export function inlineScript(entry: URL): Plugin {
  return {
    name: 'inline-script',
    transformIndexHtml: {
      order: 'post',
      async handler(html) {
        if (!html.includes('type="module"')) return [];
        return [{ tag: 'script', children: await bundled(entry), injectTo: 'head-prepend' }];
      },
    },
  };
}

async function bundled(entry: URL): Promise<string> {
  const built = await build({
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: { write: false, lib: { entry: fileURLToPath(entry), formats: ['iife'], name: 'inlineScript' } },
  });
  const [file] = Array.isArray(built) ? built : [];
  const code = file?.output[0].code.trim();
  if (code === undefined || code.includes('</')) throw new Error(`${entry} cannot be part of a page.`);
  return code;
}
