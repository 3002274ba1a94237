/** Thins and masks tables; deleted rows and old versions are gone after VACUUM FULL. */
import {
  type MaskedValues,
  type Reference,
  type Reshaping,
  ROW_NUMBER,
  type Thinning,
} from '../../reshaping.ts';
import { goes, SHARE_STEPS } from '../../thinning.ts';
import { dialect } from '../text/dialect.ts';

const { quote, quoteName } = dialect;

export const reshaping: Reshaping = {
  thin,
  createValues,
  applyValues,
  rewrite: (table) => [`vacuum full ${quoteName(table.parts)}`],
};

function thin(thinning: Thinning): string {
  const { table, keptBy } = thinning;
  const condition = goes(thinning, {
    quote,
    outside: `not ${inShare(thinning)}`,
    missing: (reference) => `not exists (${parentOf(reference)})`,
  });
  const kept = keptBy.map((reference) => ` and not exists (${childOf(reference)})`);
  return `delete from ${quoteName(table.parts)} t where (${condition})${kept.join('')}`;
}

/** Without a key all columns tell the rows apart. */
function inShare({ share, shareColumns }: Thinning): string {
  const text =
    shareColumns.length === 0
      ? 't::text'
      : `concat_ws(',', ${shareColumns.map((column) => `t.${quote(column)}::text`).join(', ')})`;
  return `(hashtext(${text})::int8 & ${SHARE_STEPS - 1}) < ${Math.round(share * SHARE_STEPS)}`;
}

function parentOf({ key, parts }: Reference): string {
  const pairs = key.columns.map(
    (column, index) => `p.${quote(key.referencedColumns[index] ?? '')} = t.${quote(column)}`,
  );
  return `select from ${quoteName(parts)} p where ${pairs.join(' and ')}`;
}

function childOf({ key, parts }: Reference): string {
  const pairs = key.columns.map(
    (column, index) => `c.${quote(column)} = t.${quote(key.referencedColumns[index] ?? '')}`,
  );
  return `select from ${quoteName(parts)} c where ${pairs.join(' and ')}`;
}

function createValues({ table, columns, values }: MaskedValues): string {
  return `
    create unlogged table ${quoteName(values)} as
    select 0::int8 as ${ROW_NUMBER}, ${columns.map(quote).join(', ')}
    from ${quoteName(table.parts)}
    with no data`;
}

function applyValues({ table, columns, values }: MaskedValues): string {
  const name = quoteName(table.parts);
  const key = table.primaryKey.map(quote);
  const [identity, order, same] =
    key.length > 0
      ? [key.join(', '), `order by ${key.join(', ')}`, key.map((column) => `t.${column} = k.${column}`)]
      : ['tableoid as o, ctid as i', 'order by ctid', ['t.tableoid = k.o', 't.ctid = k.i']];
  const set = columns
    .map(quote)
    .map((column) => `${column} = case when t.${column} is null then null else m.${column} end`);
  return `
    update ${name} t
    set ${set.join(', ')}
    from (select ${identity}, row_number() over (${order}) - 1 as ${ROW_NUMBER} from ${name}) k
      join ${quoteName(values)} m on m.${ROW_NUMBER} = k.${ROW_NUMBER}
    where ${same.join(' and ')}`;
}
