/** Publishes to a program over one connection: sends a batch in one write, and awaits its answers. */
import type { Socket } from 'node:net';

/** @param answer the text that acknowledges each published event */
export function createPublisher(
  socket: Socket,
  answer: string,
): (bytes: string, answers: number) => Promise<void> {
  let carry = '';
  let left = 0;
  let onAnswered = (): void => {};
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    const parts = (carry + chunk).split(answer);
    left -= parts.length - 1;
    carry = parts.at(-1)?.slice(1 - answer.length) ?? '';
    if (left <= 0) onAnswered();
  });
  return (bytes, answers) =>
    new Promise((resolve) => {
      left = answers;
      onAnswered = resolve;
      socket.write(bytes, 'latin1');
    });
}
