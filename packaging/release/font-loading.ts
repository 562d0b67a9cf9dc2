/**
 * The font of the pages: requested with the page, and used only when it arrives in time for the first drawing.
 *
 * A font that replaces another one later moves everything on a page (measured: a layout shift of 0.16 on a phone). So a
 * slow first visit shows the system's font, and the next page has the font from the browser's cache.
 */
import type { Plugin } from 'vite';

/** @param font the name of the emitted file of the letters that every page has, without its hash and extension */
export function fontLoading(font: string): Plugin {
  return {
    name: 'font-loading',
    config: () => ({
      css: { postcss: { plugins: [{ postcssPlugin: 'font-loading', Declaration: loadInTime }] } },
    }),
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle }) {
        const file = Object.keys(bundle ?? {}).find((name) => name.includes(`/${font}-`));
        if (file === undefined)
          throw new Error(`The build emitted no font ${font}: correct its name in vite.config.ts.`);
        return [{ tag: 'link', attrs: preloadOf(`./${file}`), injectTo: 'head-prepend' }];
      },
    },
  };
}

function loadInTime(declaration: { prop: string; value: string }): void {
  if (declaration.prop === 'font-display' && declaration.value !== 'optional') declaration.value = 'optional';
}

/** Fonts are requested without credentials, so the preload has to be, too: another request would not count for it. */
function preloadOf(href: string) {
  return { rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: true, href };
}
