/**
 * Where log lines go: lines are lost when their reader is gone or stands still, or when the disk is full. Nothing else is.
 *
 * Node ends a process on an error of stdout that nothing listens to, and keeps what a pipe does not take in memory.
 */
import { Writable } from 'node:stream';

/** About 10,000 lines. */
const WAITING_BYTES_AT_MOST = 1024 * 1024;

/** @param stream goes on after an error: each line is tried by itself, so the log continues when the disk has room again */
export function createLossyOutput(stream: NodeJS.WritableStream & { writableLength: number }): Writable {
  surviveErrors(stream);
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      if (stream.writableLength <= WAITING_BYTES_AT_MOST) stream.write(chunk);
      done();
    },
  });
}

/** For a program whose output may end before it does, as in `| head`. */
export function surviveErrors(...streams: NodeJS.WritableStream[]): void {
  for (const stream of streams) stream.on('error', () => {});
}
