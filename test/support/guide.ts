/** The monitoring guide, each block of which must keep working as written. */
import { readFile } from 'node:fs/promises';

const GUIDE = new URL('../guide/monitoring-guide.md', import.meta.url);

/** All fenced blocks of a language, in order. */
export async function guideBlocks(language: string): Promise<string[]> {
  const text = await readFile(GUIDE, 'utf8');
  const fences = text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...fences].flatMap(([, name, body]) => (name === language && body !== undefined ? [body] : []));
}

/** The one block of a language that contains a text. */
export async function guideBlock(language: string, containing: string): Promise<string> {
  const [block, ...others] = (await guideBlocks(language)).filter((body) => body.includes(containing));
  if (block === undefined || others.length > 0)
    throw new Error(`Not exactly one ${language} block has "${containing}".`);
  return block;
}
