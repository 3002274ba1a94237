import { expect, test } from 'vitest';
import { formatTimestamp, parseInstant } from './calendar.ts';

test.each(['2024-02-29 23:59:08', '1970-01-01 00:00:00', '9999-12-31 00:00:00'])(
  '%s is read as it is written',
  (text) => {
    expect(formatTimestamp(parseInstant(text) ?? Number.NaN)).toBe(text);
  },
);

test.each(['0000-00-00', '2024-00-10', '2024-13-01', '2024-02-30', '2023-02-29', 'yesterday'])(
  '%s is no date',
  (text) => {
    expect(parseInstant(text)).toBeNull();
  },
);
