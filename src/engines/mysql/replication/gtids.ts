/** Sets of transactions as the two flavors write them, as one count that ascends. Pure. */

/**
 * Up to where all transactions of a server are in a set of MySQL's, tags counted apart and summed:
 * `uuid:1-5:7`, `uuid:1-5:tag:1-3`, several of them with commas between. Behind a gap nothing counts, since what is missing
 * in it comes before. https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html#replication-gtids-concepts-gtid-sets
 */
export function contiguousOf(set: string, serverUuid: string): number {
  let count = 0;
  for (const part of set.split(',')) {
    const [uuid = '', ...rest] = part.trim().split(':');
    if (uuid.toLowerCase() !== serverUuid.toLowerCase()) continue;
    let isFirst = true;
    for (const piece of rest) {
      const interval = /^(\d+)(?:-(\d+))?$/.exec(piece.trim());
      if (interval === null) isFirst = true;
      else if (isFirst) {
        count += Number(interval[2] ?? interval[1]);
        isFirst = false;
      }
    }
  }
  return count;
}

/**
 * The last transaction of each domain, summed: `0-1-270,1-1-12`. Within a domain all before it are there too, and a position
 * of the replica names the same domains. https://mariadb.com/kb/en/gtid/
 */
export function positionOf(gtids: string): number {
  return gtids
    .split(',')
    .map((gtid) => Number(gtid.trim().split('-')[2] ?? 0))
    .reduce((sum, sequence) => sum + sequence, 0);
}
