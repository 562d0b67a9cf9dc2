/** Takes one scene in every size and theme: opens the pages first, then plays the scene, then takes all pictures. */
import { writeFile } from 'node:fs/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import upng from 'upng-js';

export interface Shot {
  page: Page;
  /** `-dark`, `-phone` … as in the file name. */
  variant: string;
}

const SIZES = [
  { suffix: '', viewport: { width: 1440, height: 900 }, isPhone: false },
  { suffix: '-phone', viewport: { width: 390, height: 844 }, isPhone: true },
];
const THEMES = [
  { suffix: '', colorScheme: 'light' },
  { suffix: '-dark', colorScheme: 'dark' },
] as const;

export interface Camera {
  /** One page for each size and theme, all at this address. */
  open(url: string): Promise<Shot[]>;
  /** The whole page, up to a few screens of it. */
  take(shots: readonly Shot[], name: string): Promise<void>;
  /** The visible viewport: dialogs cover only that. */
  takeScreen(shots: readonly Shot[], name: string): Promise<void>;
  close(): Promise<void>;
}

const TALLEST = 2_400;

export async function openCamera(browser: Browser, folder: string): Promise<Camera> {
  const contexts: BrowserContext[] = [];
  return {
    async open(url) {
      const shots: Shot[] = [];
      for (const { suffix: size, viewport, isPhone } of SIZES) {
        for (const { suffix: theme, colorScheme } of THEMES) {
          const context = await browser.newContext({
            viewport,
            colorScheme,
            locale: 'en-AU',
            timezoneId: 'Australia/Sydney',
            reducedMotion: 'reduce',
            isMobile: isPhone,
            hasTouch: isPhone,
          });
          contexts.push(context);
          const page = await context.newPage();
          page.setDefaultTimeout(60_000);
          await page.goto(url);
          shots.push({ page, variant: `${theme}${size}` });
        }
      }
      return shots;
    },
    async take(shots, name) {
      for (const { page, variant } of shots) {
        await page.evaluate(() => document.fonts.ready);
        const size = page.viewportSize() ?? { width: 1280, height: 800 };
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        const clip = {
          x: 0,
          y: 0,
          width: size.width,
          height: Math.max(size.height, Math.min(TALLEST, height)),
        };
        await save(`${folder}/${name}${variant}.png`, await page.screenshot({ clip, fullPage: true }));
      }
    },
    async takeScreen(shots, name) {
      for (const { page, variant } of shots)
        await save(`${folder}/${name}${variant}.png`, await page.screenshot());
    },
    async close() {
      for (const context of contexts.splice(0)) await context.close();
    },
  };
}

/** Pages have few colours: a palette reduces a picture to a third of its size. */
const COLOURS = 256;

async function save(path: string, picture: Buffer): Promise<void> {
  const image = upng.decode(picture);
  const small = upng.encode(upng.toRGBA8(image), image.width, image.height, COLOURS);
  await writeFile(path, Buffer.from(small));
}
