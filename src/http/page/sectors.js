// The sectors: exposures and flow of their symbols together, each currency by itself.

import { h, refill } from './dom.js';
import { Chart } from './charts.js';
import * as format from './format.js';
import { ALL, freshness } from './store.js';
import { plainTable, value } from './table.js';
import { note } from './empty.js';

export const title = () => 'Sectors';
export const selection = () => ({ symbols: [], names: null });

const MONEY = [
  ['signed_gex_usd_per_1pct', 'Net GEX per 1 %'],
  ['gross_gex_usd_per_1pct', 'Gross |GEX|'],
  ['signed_dex_usd', 'Dealer delta'],
  ['signed_vanna_usd_per_volpt', 'Vanna per vol pt'],
  ['signed_charm_usd_per_day', 'Charm per day'],
  ['total_hedging_notional', 'Hedging per 1 %'],
];
const SHARES = [
  ['avg_vpin', 'VPIN', (v, o) => format.fixed(v, 3, o)],
  ['avg_skew', 'Skew', (v, o) => format.share(v, 1, o)],
  ['avg_momentum_prob', 'Momentum', (v, o) => format.share(v, 0, o)],
  ['avg_hedging_prob', 'Hedging', (v, o) => format.share(v, 0, o)],
];

export function mount(root, { store }) {
  const all = () =>
    [...(store.documents.get(ALL) ?? [])]
      .filter(([name]) => name.startsWith('sector:'))
      .map(([name]) => [name.slice(7), store.get(ALL, name)])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  const chart = new Chart({
    title: 'Net gamma by sector',
    unit: 'money per +1 % of spot, dealers long calls and short puts, the portfolio’s currency; + damps moves',
    span: 8,
    height: 260,
    document: () => all()[0]?.[1],
    figure: (colour) => figure(all(), colour),
  });
  const list = h('section', { class: 'panel span-12', 'aria-label': 'Sectors' });
  const complexes = h('section', { class: 'panel span-4', 'aria-label': 'Index complexes' });
  root.append(h('h1', { class: 'sr' }, 'Sectors'), h('div', { class: 'board' }, list, chart.element, complexes));

  function draw() {
    const sectors = all();
    if (!sectors.length) {
      list.replaceChildren(
        h('h2', {}, 'Sectors'),
        note(
          'Nothing published yet. Sectors are computed every half minute; which symbol is in which stands in [sectors] of analytics.toml, the others are in OTHER.',
        ),
      );
      return;
    }
    refill(
      list,
      h(
        'div',
        { class: 'bar' },
        h('h2', {}, 'Sectors'),
        h('span', { class: 'muted' }, 'dealers long calls, short puts; hedging and skew as they are'),
      ),
      plainTable(
        'Sectors',
        [
          'Sector',
          'Currency',
          'State',
          'Symbols',
          ...MONEY.map(([, label]) => label),
          ...SHARES.map(([, label]) => label),
          'Toxic',
          'Age',
        ],
        sectors.flatMap(([name, document]) => rowsOf(name, document, store.now())),
        { text: 3 },
      ),
      h(
        'dl',
        { class: 'pairs members' },
        sectors.flatMap(([name, document]) => [
          h('dt', {}, name),
          h(
            'dd',
            { class: 'members' },
            (document.symbols ?? []).map((one) => h('a', { href: `#/symbol/${encodeURIComponent(one)}` }, one)),
          ),
        ]),
      ),
    );
    drawComplexes();
  }

  function drawComplexes() {
    const found = Object.entries(store.get(ALL, 'portfolio')?.complexes ?? {});
    complexes.hidden = !found.length;
    refill(
      complexes,
      h(
        'div',
        { class: 'bar' },
        h('h2', {}, 'Index complexes'),
        h('span', { class: 'muted' }, 'what trades as one market, together'),
      ),
      plainTable(
        'Index complexes',
        ['Complex', 'Symbols', 'Net GEX per 1 %', 'Dealer delta'],
        found.map(([name, one]) => [
          name,
          one.symbols.join(', '),
          value(
            format.compact(one.signed_gex_usd_per_1pct),
            one.signed_gex_usd_per_1pct,
            ALL,
            `portfolio.complexes.${name}.signed_gex_usd_per_1pct`,
          ),
          value(format.compact(one.signed_dex_usd)),
        ]),
        { text: 2 },
      ),
    );
  }
  draw();
  return {
    update(changed) {
      const names = changed.get(ALL);
      if (!names || ![...names].some((name) => name.startsWith('sector:') || name === 'portfolio')) return;
      draw();
      chart.draw();
    },
    tick() {
      chart.tick(store.now());
      // Ages grow and what is past its time is marked, though nothing new comes.
      this.ticks = (this.ticks ?? 0) + 1;
      if (this.ticks % 4 === 0) draw();
    },
  };
}

/** What has no sign gets neither plus nor colour. */
const UNSIGNED = new Set(['gross_gex_usd_per_1pct', 'total_hedging_notional']);
const signOf = (key) => (UNSIGNED.has(key) ? { plus: false, tone: false } : {});

function rowsOf(name, document, now) {
  const fresh = freshness(document, now);
  const reason = { reason: fresh.reason ?? 'no symbol of it has one' };
  const money = (totals, path) =>
    MONEY.map(([key]) => value(format.compact(totals[key], { ...reason, ...signOf(key) }), totals[key], ALL, `sector:${name}.${path}${key}`));
  const state = h(
    'span',
    { class: 'tag', 'data-tone': fresh.state === 'ok' ? 'good' : 'warn', title: fresh.reason },
    fresh.state,
  );
  const own = [
    name,
    document.meta.currency,
    state,
    `${document.symbols_with_data} of ${document.symbol_count}`,
    ...money(document, ''),
    ...SHARES.map(([key, , write]) => value(write(document[key], reason), document[key], ALL, `sector:${name}.${key}`)),
    h('span', { title: (document.toxic_symbols ?? []).join(', ') }, String(document.toxic_symbols?.length ?? '–')),
    format.ageText(now - document.meta.as_of_ms),
  ];
  const others = Object.entries(document.other_currencies ?? {}).map(([currency, totals]) => [
    name,
    currency,
    '',
    '',
    ...money(totals, `other_currencies.${currency}.`),
    ...SHARES.map(() => ''),
    '',
    '',
  ]);
  return [own, ...others];
}

/** Room for the numbers beyond the bars. */
function padded(values) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const room = (high - low) * 0.14;
  return [low < 0 ? low - room : 0, high > 0 ? high + room : room / 4];
}

function figure(sectors, colour) {
  const known = sectors.filter(([, document]) => typeof document.signed_gex_usd_per_1pct === 'number');
  if (!known.length) return 'No sector has a gamma exposure yet: it needs option chains.';
  known.sort(([, a], [, b]) => b.signed_gex_usd_per_1pct - a.signed_gex_usd_per_1pct);
  const x = known.map(([name]) => name);
  const y = known.map(([, document]) => document.signed_gex_usd_per_1pct);
  return {
    data: [
      {
        type: 'bar',
        x,
        y,
        width: 0.8 * Math.min(1, known.length / 8),
        customdata: y.map((one) => format.compactText(one, true)),
        text: y.map((one) => format.compactText(one, true)),
        textposition: 'outside',
        cliponaxis: false,
        marker: { color: y.map((one) => (one >= 0 ? colour.up : colour.down)) },
        hovertemplate: '%{customdata}<extra>%{x}</extra>',
      },
    ],
    layout: {
      showlegend: false,
      xaxis: { type: 'category' },
      yaxis: { exponentformat: 'B', range: padded(y) },
      margin: { l: 52, r: 12, t: 24, b: 32 },
    },
    rows: [
      ['sector', 'net_gex_per_1pct'],
      ...known.map(([name, document]) => [name, document.signed_gex_usd_per_1pct]),
    ],
  };
}
