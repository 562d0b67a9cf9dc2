/** Publishing to a program over one connection: what belongs together is sent together, and its answers are waited for. */
import type { Socket } from 'node:net';

/** @param answer what each thing that was sent is answered with, among other words */
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
