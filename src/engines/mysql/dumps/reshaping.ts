/** Thins and masks tables; what is deleted leaves the file when OPTIMIZE builds the table again. */
import { type MaskedValues, type Reshaping, ROW_NUMBER, type Thinning } from '../../reshaping.ts';
import { goes, SHARE_STEPS } from '../../thinning.ts';
import { dialect } from '../text/dialect.ts';

const { quote, quoteName } = dialect;

export const reshaping: Reshaping = {
  thin,
  createValues,
  applyValues,
  rewrite: (table) => [`optimize local table ${quoteName(table.parts)}`],
};

/** By joins: a subquery may not read the table that is deleted from. */
function thin(thinning: Thinning): string {
  const { table, follows, keptBy } = thinning;
  const condition = goes(thinning, {
    quote,
    outside: `not ${inShare(thinning)}`,
    missing: ({ key }, index) => `p${index}.${quote(key.referencedColumns[0] ?? '')} is null`,
  });
  const parents = follows.map(
    ({ key, parts }, index) =>
      `left join ${quoteName(parts)} p${index} on ${key.columns
        .map((column, at) => `p${index}.${quote(key.referencedColumns[at] ?? '')} = t.${quote(column)}`)
        .join(' and ')}`,
  );
  const children = keptBy.map(({ key, parts }, index) => {
    const columns = key.columns.map(quote);
    const on = columns.map(
      (column, at) => `c${index}.${column} = t.${quote(key.referencedColumns[at] ?? '')}`,
    );
    return `left join (select distinct ${columns.join(', ')} from ${quoteName(parts)}) c${index} on ${on.join(' and ')}`;
  });
  const kept = keptBy.map(({ key }, index) => ` and c${index}.${quote(key.columns[0] ?? '')} is null`);
  return `delete t from ${[`${quoteName(table.parts)} t`, ...parents, ...children].join(' ')} where (${condition})${kept.join('')}`;
}

/** Five hexadecimal digits of a hash are {@link SHARE_STEPS} steps. MySQL 9.7 has no MD5 any more. */
function inShare({ table, share, shareColumns }: Thinning): string {
  const columns = shareColumns.length > 0 ? shareColumns : table.columns.map(({ name }) => name);
  const text = `concat_ws(',', ${columns.map((column) => `t.${quote(column)}`).join(', ')})`;
  return `(conv(left(sha2(${text}, 224), 5), 16, 10) + 0 < ${Math.round(share * SHARE_STEPS)})`;
}

function createValues({ table, columns, values }: MaskedValues): string {
  return `
    create table ${quoteName(values)} (${ROW_NUMBER} bigint not null primary key)
    select cast(0 as signed) as ${ROW_NUMBER}, ${columns.map(quote).join(', ')}
    from ${quoteName(table.parts)}
    limit 0`;
}

function applyValues({ table, columns, values }: MaskedValues): string | null {
  const key = table.primaryKey.map(quote);
  if (key.length === 0) return null;
  const name = quoteName(table.parts);
  const set = columns.map(quote).map((column) => `t.${column} = if(t.${column} is null, null, m.${column})`);
  return `
    update ${name} t
      join (select ${key.join(', ')}, row_number() over (order by ${key.join(', ')}) - 1 as ${ROW_NUMBER} from ${name}) k
        on ${key.map((column) => `t.${column} = k.${column}`).join(' and ')}
      join ${quoteName(values)} m on m.${ROW_NUMBER} = k.${ROW_NUMBER}
    set ${set.join(', ')}`;
}
