/** What has to be undone, in reverse order of its doing; one failure keeps nothing else from being undone. */
export interface Cleanup {
  add(undo: () => Promise<void>): void;
  /** Idempotent. Throws the first failure, after everything was tried. */
  run(): Promise<void>;
  /** After a failure of the work itself: undoes everything, and returns that failure, which no later one may hide. */
  after(failure: unknown): Promise<unknown>;
}

/** `whenClean` comes last, and only when all else was undone: taking away the note by which leftovers are found. */
export function createCleanup(whenClean: () => Promise<void>): Cleanup {
  const steps: (() => Promise<void>)[] = [];
  const run = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let undo = steps.pop(); undo !== undefined; undo = steps.pop()) {
      await undo().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
    await whenClean();
  };
  return {
    add: (undo) => steps.push(undo),
    run,
    after: async (failure) => {
      // What could not be undone is still noted, so that the next rehearsal finds it and says so.
      await run().catch(() => undefined);
      return failure;
    },
  };
}
