/**
 * Writes a copy of each text file of a build for Brotli and one for gzip, which the server sends to browsers that accept
 * them: scripts and styles of the dashboard are 452 KB, with Brotli 124 KB.
 *
 * The server compresses nothing itself: that would delay events, and answers that contain secrets would become guessable
 * by their size.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const TEXT = /\.(js|css|svg)$/;

export function compressedCopies(): Plugin {
  return {
    name: 'compressed-copies',
    writeBundle({ dir }, bundle) {
      if (dir === undefined) throw new Error('The build has no folder for its files.');
      for (const file of Object.values(bundle).filter(({ fileName }) => TEXT.test(fileName))) {
        const text = file.type === 'chunk' ? file.code : file.source;
        writeFileSync(join(dir, `${file.fileName}.br`), brotliCompressSync(text));
        writeFileSync(join(dir, `${file.fileName}.gz`), gzipSync(text));
      }
    },
  };
}
