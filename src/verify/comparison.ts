/** What a profile says of a table against what the server's own statistics say of the filled one. Pure. */
import type { ColumnProfile, ForeignKeyProfile, TableProfile } from '../profile/profile.ts';
import { fewParents } from './few-parents.ts';
import { type Comparison, type ComparisonRequest, figure } from './figure.ts';
import { frequencies, shares } from './shares.ts';

/**
 * Postgres 16 and later extend a table that is loaded in bulk by up to 64 pages at once, and VACUUM gives what is left of
 * them back only from a sixteenth of the table on (RelationAddBlocks in hio.c, REL_TRUNCATE_FRACTION in vacuumlazy.c).
 */
const RESERVE_BYTES = 524_288;
const RESERVE_SHARE = 1 / 16;

/** Every figure of a table, in the order of the profile. */
export function compareTable(request: ComparisonRequest): readonly Comparison[] {
  const { wanted, got, chosen } = request;
  if (got === null) return [figure(request, { of: null, measure: 'rows', wanted: request.rows, got: null })];
  const found = sizes(request, got);
  // A table without a row has no statistics: rows alone can be held against each other.
  if (request.rows === 0 || wanted.rows === 0 || got.rows === 0) return found;
  return [
    ...found,
    ...wanted.columns
      .filter(({ name }) => !chosen.has(name))
      .flatMap((column) =>
        columnFigures(
          request,
          column,
          got.columns.find(({ name }) => name === column.name),
        ),
      ),
    ...wanted.foreignKeys
      .filter(({ columns }) => !columns.some((name) => chosen.has(name)))
      .flatMap((key) =>
        keyFigures(
          request,
          key,
          got.foreignKeys.find((each) => each.columns.join() === key.columns.join()),
        ),
      ),
  ];
}

function sizes(request: ComparisonRequest, got: TableProfile): readonly Comparison[] {
  const { wanted, growthBytes, rows } = request;
  const found = [figure(request, { of: null, measure: 'rows', wanted: rows, got: got.rows })];
  if (wanted.rows === 0 || got.rows === 0) return found;
  const extraOf = (bytes: number) => growthBytes(bytes) / got.rows;
  found.push(rowBytes(request, got));
  if (Math.max(wanted.toastBytes, got.toastBytes) > growthBytes(0))
    found.push(
      figure(request, {
        of: null,
        measure: 'toast per row',
        wanted: wanted.toastBytes / wanted.rows,
        got: got.toastBytes / got.rows,
        extra: extraOf(wanted.toastBytes),
      }),
    );
  for (const index of wanted.indexes) {
    const its = got.indexes.find(({ name }) => name === index.name);
    found.push(
      figure(request, {
        of: index.name,
        measure: 'index bytes per row',
        wanted: index.bytes / wanted.rows,
        got: its === undefined ? null : its.bytes / got.rows,
        extra: extraOf(index.bytes),
      }),
    );
  }
  return found;
}

/** As the files are; when these differ, without what is dead or free by the same estimate on both sides. */
function rowBytes(request: ComparisonRequest, got: TableProfile): Comparison {
  const { wanted, growthBytes, bloatInTable } = request;
  const grown = Math.max(growthBytes(wanted.tableBytes), growthBytes(got.tableBytes));
  const extra = Math.max(grown, Math.min(RESERVE_BYTES, got.tableBytes * RESERVE_SHARE)) / got.rows;
  const compared = (part: (table: TableProfile) => number, note: string | null) =>
    figure(request, {
      of: null,
      measure: 'bytes per row',
      wanted: part(wanted) / wanted.rows,
      got: part(got) / got.rows,
      extra,
      note,
    });
  const files = compared(({ tableBytes }) => tableBytes, null);
  const [theirs, ours] = [wanted.bloat, got.bloat];
  if (files.verdict === 'within' || !bloatInTable || theirs === null || ours === null) return files;
  if (theirs === 0 && ours === 0) return files;
  const live = compared(
    (table) => table.tableBytes * (1 - (table.bloat ?? 0)),
    `without the dead and free space, ${percent(theirs)} in production and ${percent(ours)} here: data.age makes such`,
  );
  const away = ({ got: figure, wanted: goal }: Comparison) => Math.abs((figure ?? 0) / (goal || 1) - 1);
  return away(live) < away(files) ? live : files;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function columnFigures(
  request: ComparisonRequest,
  wanted: ColumnProfile,
  got: ColumnProfile | undefined,
): readonly Comparison[] {
  const of = wanted.name;
  const figures: Comparison[] = [];
  const few = fewParents(request, [of]);
  if (!request.chosenNulls.has(of))
    figures.push(
      figure(request, { of, measure: 'nulls', wanted: wanted.nullFraction, got: got?.nullFraction }),
    );
  if (wanted.frequencies.length > 0 || (got?.frequencies.length ?? 0) > 0)
    figures.push(few?.shares('frequencies', of) ?? frequencies(request, wanted, got));
  const distinct = few?.parents ?? request.distinctAt(wanted);
  const note = few?.note ?? null;
  figures.push(
    figure(request, { of, measure: 'distinct', wanted: distinct, got: got?.distinct, extra: 0.5, note }),
    figure(request, { of, measure: 'correlation', wanted: wanted.correlation, got: got?.correlation }),
  );
  return figures;
}

function keyFigures(
  request: ComparisonRequest,
  wanted: ForeignKeyProfile,
  got: ForeignKeyProfile | undefined,
): readonly Comparison[] {
  const of = `(${wanted.columns.join(', ')}) -> ${wanted.references}`;
  const same = request.rows === request.wanted.rows;
  const figures: Comparison[] = [];
  if (same)
    figures.push(
      figure(request, {
        of,
        measure: 'parents referred',
        wanted: wanted.parentsReferred,
        got: got?.parentsReferred,
        extra: 0.5,
      }),
    );
  if (wanted.frequencies.length > 0)
    figures.push(
      fewParents(request, wanted.columns)?.shares('children of a parent', of) ??
        shares(request, { of, measure: 'children of a parent', wanted, got }),
    );
  return figures;
}

/** The same with a figure that was counted instead of estimated. */
export function withExact(comparison: Comparison, got: number): Comparison {
  const { wanted, allowed } = comparison;
  const within = wanted !== null && Math.abs(got - wanted) <= allowed;
  const estimate = comparison.got === null ? '' : `; the server estimates ${Math.round(comparison.got)}`;
  return { ...comparison, got, verdict: within ? 'within' : 'outside', note: `counted${estimate}` };
}
