// The columns of the overview: what of a symbol's documents each shows, and how.

import { setAttribute, svg } from './dom.js';
import * as format from './format.js';
import { alive, freshness, pick } from './store.js';
import * as reference from './reference.js';

/** What the summary's scalars come from. */
const PARTS = { spot: 'ticker', signed_gex: 'gex', level5_imbalance: 'obi', iv30: 'skew' };

/** The number at `name.path` of a symbol's documents, or why there is none. */
function read(row, field) {
  const [name, ...path] = field.split('.');
  const document = row.documents[name];
  const fresh = freshness(document, row.now);
  const found = document && fresh.state !== 'none' ? pick(document, path.join('.')) : undefined;
  const part = name === 'summary' ? document?.status?.[PARTS[path[0]]] : undefined;
  const reason = part
    ? `${PARTS[path[0]]} ${part}`
    : fresh.state === 'ok'
      ? `${name}: not defined for this book`
      : `${name} ${fresh.state}: ${fresh.reason}`;
  return { value: (fresh.real ? found : undefined) ?? undefined, reason, old: fresh.state !== 'ok' || Boolean(part) };
}

function number(field, label, help, write, more = {}) {
  return {
    key: more.key ?? field,
    label,
    title: help,
    field,
    sort: (row) => read(row, field).value,
    raw: (row) => read(row, field).value,
    show: (row) => {
      const { value: found, reason, old } = read(row, field);
      return aged(write(found, { reason }, row), old, reason);
    },
  };
}

/** A value that stands but is of the past, marked as such. */
const aged = (shown, old, reason) =>
  old && !shown.missing ? { ...shown, tone: null, old, title: `${shown.title ?? shown.text}; ${reason}` } : shown;

/** The columns; see table.js for what one is. */
export const columns = () => [
  {
    key: 'symbol',
    label: 'Symbol',
    text: true,
    title: 'Symbol; opens its page',
    sort: (row) => row.symbol,
    show: (row) => ({ text: row.symbol }),
  },
  number('summary.spot', 'Spot', 'Last trade, else mid, in the symbol’s currency', format.price, { key: 'spot' }),
  {
    key: 'change',
    label: 'Change',
    title: 'Spot against the open of the oldest bar of the session that the engine keeps',
    sort: (row) => changeOf(row)?.pct,
    show: (row) => {
      const change = changeOf(row);
      if (!change) return format.absent('no bar of the session yet');
      return {
        ...format.percent(change.pct, 2, { plus: true, tone: true }),
        title: `since ${change.since}, open ${change.open}`,
      };
    },
  },
  number(
    'summary.signed_gex',
    'Net GEX',
    'Gamma exposure with the dealers’ sign (long calls, short puts), money per +1 % of spot; + damps moves',
    format.compact,
    { key: 'netgex' },
  ),
  number(
    'gex.zero_gamma.nearest',
    'Zero γ',
    'Spot nearest by at which net gamma, re-priced, changes sign',
    format.price,
    { key: 'zero' },
  ),
  number(
    'gex.zero_gamma.distance_pct',
    'Dist.',
    'Spot less zero gamma, percent of spot: + spot stands above',
    (v, o) => format.percent(v, 2, { ...o, plus: true, tone: true }),
    { key: 'distance' },
  ),
  {
    ...number(
      'gex.regime',
      'Regime',
      'What hedging does to moves: stabilizing damps, destabilizing feeds',
      format.word,
      { key: 'regime' },
    ),
    text: true,
    show: regimeOf,
  },
  {
    key: 'levels',
    label: 'Levels, ±2 σ',
    title:
      'Spot in the middle, two daily standard deviations to each side (IV 30d); ◆ zero gamma, ▲ call wall, ▼ put wall',
    sort: (row) => Math.abs(read(row, 'gex.zero_gamma.distance_pct').value ?? Infinity),
    draw: drawLevels,
  },
  number(
    'vpin.value',
    'VPIN',
    'Share of one-sided volume over the last buckets, 0 to 1',
    (v, o) => format.fixed(v, 3, o),
    { key: 'vpin' },
  ),
  number(
    'vpin.percentile',
    'VPIN pct',
    'Where VPIN stands among its own past values; high is toxic',
    (v, o) => format.share(v, 0, o),
    { key: 'vpin_percentile' },
  ),
  number(
    'toxicity.toxicity_adjusted',
    'Toxicity',
    'VPIN, one-sidedness and large prints together, 0 to 1',
    toxicityOf,
    { key: 'toxicity' },
  ),
  number(
    'summary.level5_imbalance',
    'OBI',
    'Order-book imbalance of five levels, −1 all offered to +1 all bid',
    (v, o) => format.fixed(v, 2, { ...o, plus: true, tone: true }),
    { key: 'obi' },
  ),
  number(
    'pcr.total.pcr_oi',
    'PCR',
    'Open interest of puts over that of calls, all expiries',
    (v, o) => format.fixed(v, 2, o),
    { key: 'pcr' },
  ),
  number('summary.iv30', 'IV 30d', 'At-the-money implied volatility at 30 days', (v, o) => format.share(v, 1, o), {
    key: 'iv30',
  }),
  {
    key: 'age',
    label: 'Age',
    title: 'Time since the newest input of the summary',
    sort: (row) => row.documents.summary?.meta.as_of_ms,
    show: (row) => ageOf(row),
  },
];

/** Where zero gamma and the walls lie around spot, on a line of two daily deviations to each side. */
function drawLevels(cell, row) {
  const gex = row.documents.gex;
  const spot = row.documents.summary?.spot;
  const reach = (2 * (row.documents.summary?.iv30 ?? 0.3)) / Math.sqrt(365);
  const x = (level) => (typeof level === 'number' && spot ? 50 + ((level / spot - 1) / reach) * 50 : undefined);
  const marks = [
    ['zero', x(gex?.zero_gamma?.nearest)],
    ['call', x(gex?.call_wall)],
    ['put', x(gex?.put_wall)],
  ].filter(([, at]) => at >= 2 && at <= 98);
  setAttribute(cell, 'data-old', gex && freshness(gex, row.now).state !== 'ok' ? '' : null);
  const drawn = marks.map(([name, at]) => `${name}${at.toFixed(0)}`).join();
  if (cell.drawn === drawn) return;
  cell.drawn = drawn;
  const shapes = {
    zero: (at) => `M${at} 3l3 5l-3 5l-3 -5z`,
    call: (at) => `M${at} 2l3.5 5h-7z`,
    put: (at) => `M${at} 14l3.5 -5h-7z`,
  };
  cell.replaceChildren(
    svg(
      'svg',
      { class: 'levels', viewBox: '0 0 100 16', 'aria-hidden': 'true' },
      svg('path', { class: 'axis', d: 'M0 8H100' }),
      svg('path', { class: 'spot', d: 'M50 1V15' }),
      marks.map(([name, at]) => svg('path', { class: name, d: shapes[name](at.toFixed(1)) })),
    ),
  );
  setAttribute(
    cell,
    'title',
    spot && gex
      ? `zero gamma ${format.price(gex.zero_gamma?.nearest).text}, call wall ${format.price(gex.call_wall).text}, put wall ${format.price(gex.put_wall).text}`
      : 'no gamma yet',
  );
}

function changeOf(row) {
  const open = reference.openOf(row.symbol);
  const spot = row.documents.summary?.spot;
  if (!open || typeof spot !== 'number') return undefined;
  return { pct: (spot / open.price - 1) * 100, since: format.momentText(open.at, row.now), open: open.price };
}

function regimeOf(row) {
  const { value: regime, reason, old } = read(row, 'gex.regime');
  if (!regime) return format.absent(reason);
  const sign = { stabilizing: '▲', destabilizing: '▼', neutral: '■' }[regime] ?? '';
  const tone = regime === 'destabilizing' ? 'down' : regime === 'stabilizing' ? 'up' : null;
  return aged({ text: `${sign} ${regime}`, tone }, old, reason);
}

function toxicityOf(found, options, row) {
  const shown = format.fixed(found, 2, options);
  const level = row.documents.toxicity?.toxicity_adjusted_level;
  return shown.missing || !level
    ? shown
    : { ...shown, text: `${level} ${shown.text}`, title: `${level}, ${found}`, tone: level === 'high' ? 'warn' : null };
}

function ageOf(row) {
  const document = row.documents.summary;
  if (!document) return format.absent('no summary');
  const fresh = alive(document, row.now);
  const text = format.ageText(row.now - document.meta.as_of_ms);
  const delayed = fresh.delayed ? ` delayed ${fresh.delayed}` : '';
  return {
    text: (fresh.state === 'ok' ? text : `${fresh.state} ${text}`) + delayed,
    title: fresh.reason,
    tone: fresh.state === 'ok' ? null : 'warn',
  };
}
