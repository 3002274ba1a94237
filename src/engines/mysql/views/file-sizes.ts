/**
 * Files of the rehearsed tables over time, each by what it is and not by its name: an ALTER builds its table beside the old
 * one under a name of its own, and the two change names at the end. Pure.
 */
import type { DiskReader } from '../../engine.ts';
import type { DataFile } from './data-files.ts';

type Changed = ReturnType<NonNullable<DiskReader['changedFiles']>>;
type Owner = ReturnType<NonNullable<DiskReader['ownerOf']>>;

/** Stands for all temporary files together that no walk finds. */
const HIDDEN = 'hidden';
const TEMPORARY: Owner = { relation: null, kind: 'temporary' };

export interface FileSizes {
  /** All files as of now, and what the hidden ones have together. */
  see(files: readonly DataFile[], hiddenBytes: number): void;
  /** Those that are not as when this was last asked; what is gone has no bytes. */
  changed(): Changed;
  ownerOf(file: string): Owner;
}

export function trackFileSizes(): FileSizes {
  let now = new Map<string, number>();
  let told = new Map<string, number>();
  const owners = new Map<string, Owner>();
  return {
    see(files, hiddenBytes) {
      now = new Map([[HIDDEN, hiddenBytes]]);
      for (const { node, relation, kind, area, bytes } of files) {
        if (relation === null && area !== 'temporary') continue;
        now.set(node, bytes);
        // A table that is on its way out has another name by then: it stays what it was.
        if (relation !== null) owners.set(node, { relation, kind });
      }
    },
    changed() {
      const files = new Set([...told.keys(), ...now.keys()]);
      const changed = [...files].flatMap((file) => {
        const bytes = now.get(file) ?? 0;
        return bytes === told.get(file) ? [] : [{ file, bytes }];
      });
      told = now;
      return changed;
    },
    ownerOf: (file) => owners.get(file) ?? TEMPORARY,
  };
}
