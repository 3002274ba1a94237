/** Building blocks of the scenario schema: amounts with units, limits, paths, numbers, each with its description. */
import { z } from 'zod';
import { type Parsed, parseCount, parseDuration, parseRate, type Written } from './units.ts';

type Parse<Value> = (written: Written) => Parsed<Value>;

/** Text, or a number that is taken as its text; the loader hands over numbers as they stand in the file. */
const written = () => z.union([z.string(), z.number()]);

/** An amount in the user's form; its value is what `parse` makes of it. */
export function amount<Value>(parse: Parse<Value>, example: string, description: string) {
  return written()
    .transform((text, context): Value => {
      const parsed = parse(text);
      if ('value' in parsed) return parsed.value;
      context.issues.push({ code: 'custom', message: parsed.problem, input: text });
      return z.NEVER;
    })
    .meta({ description, examples: [example] });
}

/** The word `none` takes a limit away. */
export function orNone<Value>(parse: Parse<Value>): Parse<Value | null> {
  return (text) => (text === 'none' ? { value: null } : parse(text));
}

/** Refuses zero, which would make the thing meaningless. */
export function positive(parse: Parse<number>, example: string): Parse<number> {
  return (text) => {
    const parsed = parse(text);
    if ('value' in parsed && parsed.value <= 0)
      return { problem: `"${text}" must be more than zero: write for example ${example}` };
    return parsed;
  };
}

/** A stretch of time in milliseconds; zero is allowed. */
export function duration(description: string) {
  return amount(parseDuration, '5s', description);
}

/** A duration that `none` takes away. */
export function limit(description: string) {
  return amount(orNone(parseDuration), '5s', `${description} "none" for no limit.`);
}

/** Path of a file or folder. */
export function path(description: string) {
  const whole = `${description} Relative to the folder of the scenario.`;
  return z.string().min(1).meta({ description: whole });
}

/** A whole number from `least` on. */
export function wholeNumber(least: number, description: string) {
  return z.int().min(least).meta({ description });
}

/** true or false. */
export function flag(description: string) {
  return z.boolean().meta({ description });
}

/** Text that looks like a number or a boolean to YAML. */
export function textValue() {
  return z.union([z.string(), z.number(), z.boolean()]).transform(String);
}

function name(description: string) {
  return z.string().min(1).meta({ description });
}

const VERSION = /^\d+(\.\d+){0,2}$/;
const FOLDER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Fields that the command line sets too. */
export const fields = {
  name: z
    .string()
    .regex(FOLDER_NAME, 'must be letters, digits, ".", "_" or "-": write for example orders-tax-rate')
    .meta({
      description: 'Name of the rehearsal and of its folder in reports/. Default: name of the folder.',
    }),
  engine: name('postgres, mysql or mariadb. Default: recognised from the URL, the tool or the SQL.'),
  version: written()
    .transform(String)
    .refine((text) => VERSION.test(text), {
      error: 'must be a version as production runs it: write for example "17" or "8.4"',
    })
    .meta({ description: 'Version as production runs it.', examples: ['17', '8.4'] }),
  provision: name('embedded, container or external. Default: embedded where it can run, else container.'),
  image: name('Container image, instead of the official one of the version.'),
  binary: path('Folder with the binaries of the server, for the embedded provisioner.'),
  url: name('URL of an external server; $NAME in braces is taken from the environment, for secrets.'),
  expendable: flag('true: the external database may be emptied and changed. Default: false.'),
  schema: path('SQL file with the state that production is in before the pending migrations.'),
  restore: path('Dump to restore: pg_dump custom, directory or plain SQL, mysqldump; each also .gz or .zst.'),
  profile: path('Profile of production, from "rehearse capture".'),
  scale: z.number().positive().meta({
    description:
      'Share of the rows of a dump to keep (0.1), or multiplier of the rows of a profile. Default: 1.',
  }),
  rows: amount(
    positive(parseCount, '200k'),
    '200k',
    'Rows of the largest table; the others follow from the foreign keys. Default: 1M.',
  ),
  randomSeed: wholeNumber(0, 'The same seed gives the same rows and the same load. Default: 42.'),
  rate: amount(parseRate, '400/s', 'Operations per s, min or h; 0 for no load. Default: 100/s.'),
  tool: name('Migration tool. Default: found by its files.'),
  directory: path('Folder with the migrations. Default: found by the files of the tool.'),
  released: written()
    .transform(String)
    .meta({ description: 'Last version that production has. Default: what the ledger in the schema says.' }),
  lockTimeout: limit('How long a migration waits for a lock. Default: the setting of the server.'),
};
