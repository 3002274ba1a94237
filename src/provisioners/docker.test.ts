import { expect, test } from 'vitest';
import { withoutFrames } from './docker.ts';

function frame(text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(2, 0);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

test('the frames of a container log are taken away', () => {
  const log = Buffer.concat([frame('one\n'), frame(''), frame('zwölf\n')]);
  expect(withoutFrames(log)).toBe('one\nzwölf\n');
});

test('a log that ends in the middle of a frame keeps what is there', () => {
  expect(withoutFrames(frame('complete').subarray(0, 12))).toBe('comp');
  expect(withoutFrames(Buffer.alloc(0))).toBe('');
});
