// How the engine itself is: each job's last run, what went wrong, what came in, and what keeps history.

import { h, refill } from './dom.js';
import * as format from './format.js';
import { ALL } from './store.js';
import { get } from './api.js';
import { plainTable, value } from './table.js';
import { note } from './empty.js';

const HEALTH_AGAIN_MS = 5000;

export const title = () => 'Jobs';
export const selection = () => ({ symbols: [], names: ['heartbeat'] });

export function mount(root, { store }) {
  let health;
  let status;
  const section = (name, span) => h('section', { class: `panel span-${span} dense`, 'aria-label': name });
  const engine = section('Engine', 4);
  const healthPanel = section('Health', 4);
  const history = section('History', 4);
  const jobs = section('Jobs', 12);
  const channels = section('Channels', 7);
  const bad = section('Bad input', 5);
  root.append(
    h('h1', { class: 'sr' }, 'Jobs'),
    h('div', { class: 'board' }, engine, healthPanel, history, jobs, channels, bad),
  );

  async function ask() {
    health = await get('/health').catch((error) =>
      error.body?.status ? error.body : { status: 'away', reasons: [error.message] },
    );
    status = await get('/status').catch(() => undefined);
    draw();
  }
  ask();
  const timer = setInterval(ask, HEALTH_AGAIN_MS);

  function draw() {
    const beat = store.get(ALL, 'heartbeat');
    if (!beat) {
      jobs.replaceChildren(
        h('h2', {}, 'Jobs'),
        note(
          'No heartbeat has come. The engine writes one with every pass: is it running, and does it reach its store?',
        ),
      );
      return;
    }
    const now = store.now();
    drawEngine(engine, beat, now);
    drawHealth(healthPanel, health);
    drawHistory(history, status, health);
    drawJobs(jobs, beat, now);
    drawChannels(channels, beat);
    drawBad(bad, beat);
  }
  draw();
  return {
    update(changed) {
      // The heartbeat changes twice a second; a table that is read does not have to.
      if (changed.get(ALL)?.has('heartbeat') && performance.now() - (this.drawnAt ?? 0) > 950) {
        this.drawnAt = performance.now();
        draw();
      }
    },
    close: () => clearInterval(timer),
  };
}

const pairs = (rows) =>
  h(
    'dl',
    { class: 'pairs' },
    rows.flatMap(([label, shown, raw, field]) => [h('dt', {}, label), h('dd', {}, value(shown, raw, ALL, field))]),
  );
const ago = (now, seconds) =>
  typeof seconds === 'number' && seconds > 0
    ? { text: `${format.ageText(now - seconds * 1000)} ago`, title: new Date(seconds * 1000).toISOString() }
    : format.absent('never');

function drawEngine(panel, beat, now) {
  const { pass, redis } = beat;
  panel.replaceChildren(
    h('h2', {}, 'Engine'),
    pairs([
      ['version', { text: `${beat.version}, pid ${beat.pid} on ${beat.host}` }],
      ['running for', { text: format.ageText(now - beat.started_at), title: new Date(beat.started_at).toISOString() }],
      ['session', { text: beat.idle ? `${beat.session}, idle` : beat.session }],
      ['symbols', format.fixed(beat.symbols, 0), beat.symbols, 'heartbeat.symbols'],
      ['passes', { text: `${pass.count} at ${beat.cadence_hz} Hz, ${pass.skipped} skipped` }],
      ['last pass', { text: `${format.duration(pass.last_ms).text}, ${format.duration(pass.late_ms).text} late` }],
      ['p50 / p99', { text: `${format.duration(pass.p50_ms).text} / ${format.duration(pass.p99_ms).text}` }],
      ['still computing', format.fixed(pass.busy, 0)],
      [
        'store',
        {
          text: redis.connected
            ? `answers in ${format.duration(redis.round_trip_ms).text}`
            : `away since ${format.timeText(redis.since)}`,
          tone: redis.connected ? null : 'warn',
        },
      ],
      ['shard', { text: `${beat.shard.index + 1} of ${beat.shard.count}` }],
    ]),
  );
}

function drawHealth(panel, health) {
  const text = health?.status ?? 'asking';
  const tag = h('span', { class: 'tag', 'data-tone': text === 'healthy' ? 'good' : health ? 'warn' : null }, text);
  const reasons = (health?.reasons ?? []).map((one) =>
    h('li', {}, typeof one === 'string' ? one : (one.text ?? JSON.stringify(one))),
  );
  panel.replaceChildren(
    h('div', { class: 'bar' }, h('h2', {}, 'Health'), tag),
    reasons.length ? h('ul', {}, reasons) : h('p', {}, health ? 'Nothing is wrong.' : 'Asking /health…'),
    health?.since ? h('p', { class: 'muted' }, `since ${format.timeText(Date.parse(health.since))}`) : '',
  );
}

function drawHistory(panel, status, health) {
  const found = status?.history;
  const about = (health?.reasons ?? []).filter((one) => /history/i.test(JSON.stringify(one)));
  panel.replaceChildren(
    h('h2', {}, 'History'),
    found
      ? pairs(historyRows(found))
      : note(
          about.length
            ? 'History is degraded: see Health.'
            : 'Off, or this server says nothing of it. Set history.url = "sqlite:history.db" in analytics.toml to keep the past.',
        ),
  );
}

/** What /status says of history, as people call it. */
const HISTORY = {
  state: 'state',
  since: 'since',
  error: 'last error',
  stored: 'stored',
  repeated: 'repeated, left out',
  dropped: 'dropped, no room',
  refused: 'refused by the store',
  forgotten: 'forgotten by age',
  waiting_bytes: 'waiting',
  batch_ms: 'last batch',
};
const BAD_IF_ANY = new Set(['dropped', 'refused']);

function historyValue(key, one) {
  if (key === 'since') return format.time(one);
  if (key === 'batch_ms') return format.duration(one);
  if (key === 'waiting_bytes') return format.bytes(one);
  if (key === 'state') return { text: one, tone: one === 'ok' ? null : 'warn' };
  if (typeof one === 'number')
    return {
      ...format.compact(one, { plus: false, tone: false }),
      ...(one && BAD_IF_ANY.has(key) ? { tone: 'warn' } : {}),
    };
  return one === null ? format.absent('none') : { text: String(one) };
}

/** One row a number: what is stored is told by its kind. */
const historyRows = (found) =>
  Object.entries(found).flatMap(([key, one]) =>
    one && typeof one === 'object'
      ? Object.entries(one).map(([kind, n]) => [
          `${HISTORY[key] ?? key.replaceAll('_', ' ')}: ${kind.replaceAll('_', ' ')}`,
          historyValue(kind, n),
        ])
      : [[HISTORY[key] ?? key.replaceAll('_', ' '), historyValue(key, one)]],
  );

function drawJobs(panel, beat, now) {
  const rows = Object.entries(beat.jobs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, job]) => {
      const errors = beat.error_counts?.[name] ?? 0;
      const every = beat.update_intervals[name];
      const late = every > 0 && now / 1000 - beat.last_updates[name] > 3 * every + 5 && !beat.idle;
      const state = job.consecutive_errors
        ? ['failing', 'warn']
        : !job.last_ok
          ? ['waits', null]
          : late
            ? ['late', 'warn']
            : ['ok', 'good'];
      const none = Object.entries(job.no_value ?? {})
        .map(([why, n]) => `${n} ${why}`)
        .join(', ');
      return [
        name,
        h('span', { class: 'tag', 'data-tone': state[1] }, state[0]),
        h(
          'span',
          { class: 'clip', title: job.error },
          job.error ? `${job.error} (${ago(now, job.last_error).text})` : '',
        ),
        every === 0
          ? 'pass'
          : every
            ? value({ text: `${every} s` }, every, ALL, `heartbeat.update_intervals.${name}`)
            : 'off',
        value(ago(now, beat.last_updates[name])),
        value(ago(now, job.last_ok)),
        value(format.duration(job.duration_ms)),
        value({ text: String(job.symbols) }),
        none || '–',
        value(
          { text: String(errors), tone: errors ? 'warn' : null },
          errors,
          ALL,
          name in (beat.error_counts ?? {}) ? `heartbeat.error_counts.${name}` : undefined,
        ),
        String(job.consecutive_errors),
      ];
    });
  refill(
    panel,
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'Jobs'),
      h('span', { class: 'muted' }, 'duration: computing time of the last run over all its symbols'),
    ),
    plainTable(
      'Jobs',
      [
        'Job',
        'State',
        'Last error',
        'Every',
        'Last run',
        'Last success',
        'Duration',
        'Symbols',
        'Without value',
        'Errors',
        'In a row',
      ],
      rows,
      { text: 3 },
    ),
  );
}

const CHANNEL = ['received', 'processed', 'lagged', 'malformed', 'duplicate', 'unknown_symbol'];

function drawChannels(panel, beat) {
  const rows = Object.entries(beat.channels ?? {}).map(([name, counts]) => [
    name,
    ...CHANNEL.map((key) =>
      value({
        ...format.compact(counts[key], { plus: false, tone: false }),
        tone: counts[key] && ['lagged', 'malformed'].includes(key) ? 'warn' : null,
      }),
    ),
  ]);
  refill(
    panel,
    h('h2', {}, 'Channels'),
    h('p', { class: 'unit' }, 'messages since the start; lagged are lost, malformed are none of the channel'),
    rows.length
      ? plainTable('Channels', ['Channel', ...CHANNEL.map((key) => key.replaceAll('_', ' '))], rows)
      : note('No channel is read.'),
  );
}

function drawBad(panel, beat) {
  const rows = Object.entries(beat.bad_input ?? {}).flatMap(([where, kinds]) =>
    Object.entries(kinds).map(([kind, n]) => [where, kind.replaceAll('_', ' '), format.compactText(n)]),
  );
  refill(
    panel,
    h('h2', {}, 'Bad input'),
    h('p', { class: 'unit' }, 'records that were left out, by what is wrong with them'),
    rows.length
      ? plainTable('Bad input', ['Where', 'What', 'Count'], rows, { text: 2 })
      : note('None: everything that came could be read.'),
  );
}
