/**
 * Foreign keys of an archive, added beside pg_restore: declared first, which looks at no row, and then validated several at
 * once. pg_restore takes two of the same parent one after the other, since each locks the parent. Two keys of 3 M rows each
 * to one parent, 2 cores, five rounds on a busy machine: pg_restore -j2 4.4 to 11.2 s, this 3.3 to 10.7 s, median 1.25 times
 * as fast; keys of different parents came out alike.
 */
import type { DeferredObjects, RestoreTask } from '../../filling.ts';
import { dialect } from '../text/dialect.ts';

/** `3268; 2606 16491 FK CONSTRAINT public orders orders_customer_id_fkey owner` */
const KEY = /^\d+; \d+ \d+ FK CONSTRAINT \S+ (\S+) (\S+) /;
const COMMENT = /^\d+; \d+ \d+ COMMENT \S+ CONSTRAINT (\S+) ON (\S+) /;

/** Null when a name holds a blank, so that the listing cannot be read with certainty, or when there is no key. */
export function splitKeys(listing: string): { readonly others: string; readonly keys: string } | null {
  const lines = listing.split('\n');
  const keys = new Set<string>();
  for (const line of lines) {
    if (!/^\d+; \d+ \d+ FK CONSTRAINT /.test(line)) continue;
    const [, table, name] = KEY.exec(`${line} `) ?? [];
    if (table === undefined || line.trim().split(' ').length > FIELDS) return null;
    keys.add(`${name} ON ${table}`);
  }
  if (keys.size === 0) return null;
  const isKey = (line: string): boolean => {
    const [, name, table] = COMMENT.exec(line) ?? [];
    return (
      /^\d+; \d+ \d+ FK CONSTRAINT /.test(line) || (name !== undefined && keys.has(`${name} ON ${table}`))
    );
  };
  return {
    others: lines.filter((line) => !isKey(line)).join('\n'),
    keys: lines.filter(isKey).join('\n'),
  };
}

/** Number, two catalog numbers, FK CONSTRAINT, schema, table, name, owner. */
const FIELDS = 8 + 1;

const ADD = /^alter\s+table\s+(only\s+)?(\S+)\s+add\s+constraint\s+(\S+)\s+(foreign\s+key\s[\s\S]+?)\s*$/i;

/** Those of a partitioned table (without ONLY) cannot be declared without looking at the rows before Postgres 18. */
export function keyStages(sql: string): DeferredObjects['restore'] {
  const declare: RestoreTask[] = [];
  const validate: RestoreTask[] = [];
  const comment: RestoreTask[] = [];
  for (const { text } of dialect.split(sql)) {
    const [, only, table = '', name = '', definition = ''] = ADD.exec(text) ?? [];
    if (name !== '') {
      const later = only !== undefined && !/\bnot\s+valid$/i.test(definition);
      const what = `foreign key ${name}`;
      declare.push({ table, what, statements: [later ? `${text} not valid` : text] });
      if (later)
        validate.push({ table, what, statements: [`alter table only ${table} validate constraint ${name}`] });
    } else if (/^comment\s/i.test(text)) comment.push({ table: '', what: 'comments', statements: [text] });
  }
  // Each locks two tables against the others: two at once can wait for each other.
  return [...declare.map((task) => [task]), validate, comment];
}
