/** How a rehearsal was run and how far it can be believed, as labelled lines. Texts are not yet escaped. */
import { isMeasured } from '../recording/figure.ts';
import type {
  LoadRecord,
  Recording,
  ReplicaRecord,
  SelfCheck,
  ServerRecord,
} from '../recording/recording.ts';
import { codeGaps, codeInWords } from './code.ts';
import { effectGaps } from './effects.ts';
import {
  bytes,
  count,
  counted,
  duration,
  figureInWords,
  instant,
  percent,
  perSecondAlone,
  rate,
} from './format.ts';
import { mixGaps, mixInWords } from './mix.ts';
import { upkeepFacts } from './upkeep.ts';

export interface Fact {
  readonly label: string;
  readonly text: string;
}

/** One line under the title: server, volume, load, migrations. */
export function subtitle(recording: Recording): string {
  const server = recording.servers.find(({ role }) => role === 'rehearsal');
  const load =
    'notMeasured' in recording.load
      ? 'no load'
      : `${perSecondAlone(recording.load.ratePerSecond)} operations/s`;
  const steps = counted(recording.steps.length, 'migration');
  return [
    server === undefined
      ? 'no server was ready for the rehearsal'
      : `${server.flavor} ${server.version} (${server.provisioner})`,
    `${count(rowsOf(recording))} rows`,
    load,
    `${steps} by ${recording.migrations.tool}`,
  ].join(', ');
}

export function factsOf(recording: Recording): readonly Fact[] {
  const { load, machine, migrations, code, deadlocks, mix, upkeep } = recording;
  return [
    ...recording.servers
      .toSorted(rehearsalFirst)
      .flatMap(({ role, description, version, flavor, settings }) => [
        {
          label: role === 'rehearsal' ? 'server' : `server (${role})`,
          text: `${description}, ${flavor} ${version}`,
        },
        // Of the probe's they are those of the rehearsal, but for what makes a small server quick.
        ...(role === 'probe'
          ? []
          : [
              {
                label: 'settings',
                text: settings.map(({ name, value }) => `${name} ${unmistakable(value)}`).join(', '),
              },
            ]),
      ]),
    { label: 'data', text: dataInWords(recording) },
    ...('notMeasured' in load ? [] : [{ label: 'load', text: loadInWords(load) }]),
    { label: 'recovery', text: recoveryInWords(recording) },
    ...(mix === undefined ? [] : [{ label: 'operations', text: mixInWords(mix) }]),
    ...(code === undefined || 'notMeasured' in code ? [] : [{ label: 'code', text: codeInWords(code) }]),
    ...recording.drills.map(({ description }) => ({ label: 'drill', text: description })),
    {
      label: 'migrations',
      text: `${counted(migrations.pending.length, 'migration')} pending in ${migrations.directory} (${migrations.tool}), ${count(migrations.applied.length)} applied before, lock timeout ${limit(migrations.lockTimeoutMs)}`,
    },
    {
      label: 'deadlocks',
      text: deadlocks !== undefined && 'found' in deadlocks && deadlocks.found === 0 ? 'none was found' : '',
    },
    ...(upkeep === undefined ? [] : upkeepFacts(upkeep)),
    {
      label: 'machine',
      text: `${counted(machine.cores, 'core')}, ${bytes(machine.memoryBytes)} memory, ${machine.platform}, Node.js ${machine.nodeVersion}`,
    },
    {
      label: 'rehearsal',
      text: `began ${instant(recording.startedAt)}, took ${duration(recording.endedAtMs)}, rehearse ${recording.harnessVersion}`,
    },
    ...('notMeasured' in load ? [] : [{ label: 'self-check', text: selfCheckInWords(load) }]),
    { label: 'observers', text: observersInWords(recording) },
  ].filter(({ text }) => text !== '');
}

function rehearsalFirst(one: ServerRecord, other: ServerRecord): number {
  return Number(other.role === 'rehearsal') - Number(one.role === 'rehearsal');
}

/** What was wanted and could not be measured, each with its reason. */
export function notMeasuredOf(recording: Recording): readonly Fact[] {
  const { load, disk, code, deadlocks, mix, replica, journal, upkeep, probe } = recording;
  return [
    ...('notMeasured' in load
      ? [{ label: 'load', text: load.notMeasured }]
      : (load.generator?.limits ?? []).map((text) => ({ label: 'load', text }))),
    ...(journal !== undefined && 'notMeasured' in journal
      ? [{ label: 'statements by the server itself', text: journal.notMeasured }]
      : []),
    ...('notMeasured' in disk ? [{ label: 'disk', text: disk.notMeasured }] : []),
    ...('notMeasured' in disk || disk.unseen === undefined
      ? []
      : [{ label: 'temporary files that are deleted but open', text: disk.unseen }]),
    ...(deadlocks !== undefined && 'notMeasured' in deadlocks
      ? [{ label: 'deadlocks', text: deadlocks.notMeasured }]
      : []),
    ...(replica !== undefined && 'notMeasured' in replica
      ? [{ label: 'replica', text: replica.notMeasured }]
      : replicaGaps(replica).map((text) => ({ label: 'replica', text }))),
    ...(mix === undefined ? [] : mixGaps(mix)).map((text) => ({ label: 'rows per call', text })),
    ...gapsOf(code).map((text) => ({ label: 'code', text })),
    ...effectGaps(probe).map((text) => ({ label: 'probe', text })),
    ...(upkeep !== undefined && 'notMeasured' in upkeep.lostStatistics
      ? [{ label: 'lost statistics', text: upkeep.lostStatistics.notMeasured }]
      : []),
    ...recording.notMeasured.map(({ what, reason }) => ({ label: what, text: reason })),
    ...recording.observers.flatMap(({ name, trouble }) =>
      trouble.map((text) => ({ label: `${name} observer`, text })),
    ),
  ];
}

function replicaGaps(replica: ReplicaRecord | undefined): readonly string[] {
  const { replays, caughtUpMs } = replica ?? {};
  return [
    ...(replays !== undefined && 'notMeasured' in replays
      ? [`statements as it applies them: ${replays.notMeasured}`]
      : []),
    ...(caughtUpMs !== undefined && 'notMeasured' in caughtUpMs ? [caughtUpMs.notMeasured] : []),
  ];
}

function gapsOf(code: Recording['code']): readonly string[] {
  if (code === undefined) return [];
  return 'notMeasured' in code ? [code.notMeasured] : codeGaps(code);
}

/** Quoted where it would run into its neighbours: DateStyle "ISO, MDY". */
function unmistakable(value: string): string {
  return value === '' || /[\s,]/.test(value) ? `"${value}"` : value;
}

function rowsOf(recording: Recording): number {
  return recording.filling.reduce((sum, { rows }) => sum + rows, 0);
}

function dataInWords(recording: Recording): string {
  const size = recording.filling.reduce(
    (sum, { bytes: figure }) => sum + (isMeasured(figure) ? figure.upper : 0),
    0,
  );
  const unknown = recording.filling.filter(({ bytes: figure }) => !isMeasured(figure)).length;
  const sizeText = unknown === recording.filling.length ? 'size not measured' : bytes(size);
  return `${count(rowsOf(recording))} rows in ${counted(recording.filling.length, 'table')}, ${sizeText}, random seed ${recording.randomSeed}`;
}

function loadInWords({
  ratePerSecond,
  arrivals,
  pool,
  statementTimeoutMs,
  operations,
  arrivalsHash,
  generator,
  warmUp,
}: LoadRecord): string {
  const discarded =
    warmUp === undefined
      ? ''
      : `, warm-up of ${duration(warmUp.durationMs)} discarded (${counted(warmUp.due, 'operation')})`;
  const instances = pool.instances > 1 ? ` in each of ${count(pool.instances)} instances` : '';
  return (
    `${rate(ratePerSecond)} ${arrivals} over ${counted(operations.length, 'operation')}, pool of ${count(pool.size)}` +
    `${instances}, checkout timeout ${limit(pool.checkoutTimeoutMs)}, statement timeout ${limit(statementTimeoutMs)}, ` +
    (arrivalsHash === null
      ? `by ${generator?.description ?? 'another generator'}`
      : `arrivals ${arrivalsHash.slice(0, 12)}`) +
    discarded
  );
}

function recoveryInWords({ recovery }: Recording): string {
  if (recovery === undefined) return '';
  const { baselineP99Ms, factor, tookMs } = recovery;
  if (!isMeasured(tookMs)) return tookMs.notMeasured;
  const before = baselineP99Ms === null ? '' : ` (${duration(baselineP99Ms)})`;
  return `p99 back within ${factor} x that of the worst second of the baseline${before} after ${figureInWords(tookMs, 'ms')}`;
}

function limit(ms: number | null): string {
  return ms === null ? 'none' : duration(ms);
}

function selfCheckInWords({ selfCheck }: LoadRecord): string {
  const {
    offeredPerSecond,
    achievedPerSecond,
    scheduleLagMsP99,
    eventLoopDelayMsP99,
    utilization,
    cpuCores,
    observersCpuCores,
    ceilingPerSecond,
    priority,
    threads = 1,
  } = selfCheck;
  const share = (figure: typeof utilization): string =>
    isMeasured(figure) ? percent(figure.upper) : 'not measured';
  return (
    `offered ${rate(offeredPerSecond)}, completed ${rate(achievedPerSecond)}; the generator's own schedule lag p99 ` +
    `${figureInWords(scheduleLagMsP99, 'ms')}, event loop delay p99 ${figureInWords(eventLoopDelayMsP99, 'ms')}, ` +
    `${threads === 1 ? 'load thread' : `busiest of ${threads} load threads`} ${share(utilization)} busy, ` +
    `${share(cpuCores)} of a core` +
    (observersCpuCores === undefined
      ? ''
      : `, migrations and observers ${share(observersCpuCores)} of a core`) +
    (priority === undefined ? '' : `; ${PRIORITIES[priority]}`) +
    (ceilingPerSecond === undefined
      ? ''
      : `; with reads alone ${isMeasured(ceilingPerSecond) ? rate(ceilingPerSecond.upper) : 'not measured'} at most`)
  );
}

const PRIORITIES: Readonly<Record<NonNullable<SelfCheck['priority']>, string>> = {
  'real-time': 'its threads ran in the real-time class',
  raised: 'its threads had a higher priority, the real-time class was not granted',
  ordinary: 'the system granted its threads no priority',
};

function observersInWords({ observers }: Recording): string {
  return observers
    .map(({ name, samples, intervalMs, longestPauseMs, cpuMs, serverCpuMs }) => {
      const every = intervalMs === null ? '' : ` every ${duration(intervalMs)}`;
      const apart = longestPauseMs === undefined ? '' : `, at most ${duration(longestPauseMs)} apart`;
      const ofServer = serverCpuMs === undefined ? '' : `, of the server ${figureInWords(serverCpuMs, 'ms')}`;
      return `${name} ${counted(samples, 'reading')}${every}${apart}, CPU ${figureInWords(cpuMs, 'ms')}${ofServer}`;
    })
    .join('; ');
}
