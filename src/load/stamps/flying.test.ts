import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFlying } from './flying.ts';

test('what was added and not deleted is there, as in a Set', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 9 }))), (steps) => {
      const items = Array.from({ length: 10 }, (_, name) => ({ name, place: -1 }));
      const flying = createFlying<(typeof items)[number]>();
      const wanted = new Set<(typeof items)[number]>();
      for (const [adds, index] of steps) {
        const item = items[index];
        if (item === undefined || (adds && wanted.has(item))) continue;
        if (adds) flying.add(item);
        else flying.delete(item);
        if (adds) wanted.add(item);
        else wanted.delete(item);
        expect(flying.size).toBe(wanted.size);
        expect(new Set(flying.items)).toEqual(wanted);
      }
    }),
  );
});
