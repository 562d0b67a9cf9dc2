/**
 * Where log lines go. Lines are lost only when their reader has gone or does not read, or when the disk is full.
 *
 * Node ends a process on an unhandled error of stdout, and buffers in memory what a pipe does not accept.
 */
import { Writable } from 'node:stream';

/** About 10,000 lines. */
const WAITING_BYTES_AT_MOST = 1024 * 1024;

/** @param stream is used again after an error, so the log continues when the disk has space again */
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
