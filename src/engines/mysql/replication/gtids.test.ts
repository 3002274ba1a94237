import { expect, test } from 'vitest';
import { contiguousOf, positionOf } from './gtids.ts';

const OWN = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const OTHER = '4e11fa47-71ca-11e1-9e33-c80aa9429562';

test('a set counts up to its first gap, of the server that is asked about alone', () => {
  expect(contiguousOf('', OWN)).toBe(0);
  expect(contiguousOf(`${OWN}:1`, OWN)).toBe(1);
  expect(contiguousOf(`${OWN}:1-270`, OWN)).toBe(270);
  expect(contiguousOf(`${OWN}:1-5:7-9`, OWN)).toBe(5);
  expect(contiguousOf(`${OTHER}:1-77,\n${OWN.toUpperCase()}:1-5`, OWN)).toBe(5);
});

test('transactions with a tag count beside those without', () => {
  expect(contiguousOf(`${OWN}:1-5:7:billing:1-3:9:stock:1`, OWN)).toBe(5 + 3 + 1);
});

test('of MariaDB each domain counts by its last transaction', () => {
  expect(positionOf('')).toBe(0);
  expect(positionOf('0-1-270')).toBe(270);
  expect(positionOf('0-1-270,1-1-12')).toBe(282);
});
