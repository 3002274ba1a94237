/** A smaller volume may have fewer parents than production's rows refer to, each of which then has more children. Pure. */
import { type Comparison, type ComparisonRequest, figure } from './figure.ts';

export interface FewParents {
  readonly parents: number;
  readonly note: string;
  /** Shares of the most common ones cannot be production's. */
  shares(measure: 'frequencies' | 'children of a parent', of: string): Comparison;
}

/** Of a foreign key of one column; null where there are as many parents as production's rows refer to. */
export function fewParents(request: ComparisonRequest, columns: readonly string[]): FewParents | null {
  const { wanted } = request;
  const key = wanted.foreignKeys.find((each) => each.columns.join() === columns.join());
  const column = wanted.columns.find(({ name }) => name === columns[0]);
  if (key === undefined || column === undefined || columns.length !== 1) return null;
  const [parents, distinct] = [request.rowsOf(key.references), request.distinctAt(column)];
  if (parents === null || distinct === null || parents >= distinct) return null;
  const note = `production refers to ${Math.round(distinct)} rows of ${key.references}, which has ${parents} at this volume`;
  return {
    parents,
    note,
    shares: (measure, of) => figure(request, { of, measure, wanted: null, got: null, note }),
  };
}
