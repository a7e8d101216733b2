// How the prices of the symbols move together: a heat map and the pairs that stand out.

import { h } from './dom.js';
import { Chart } from './charts.js';
import * as format from './format.js';
import { ALL, freshness } from './store.js';
import { plainTable, value } from './table.js';
import { note } from './empty.js';

/** So many symbols have room for their numbers in the cells. */
const WITH_TEXT = 20;

export const title = () => 'Correlation';
export const selection = () => ({ symbols: [], names: ['correlation', 'portfolio'] });

export function mount(root, { store }) {
  const get = () => store.get(ALL, 'correlation');
  let shrunk = false;
  const button = h(
    'button',
    {
      type: 'button',
      class: 'tool',
      'aria-pressed': 'false',
      onclick: () => {
        shrunk = !shrunk;
        button.setAttribute('aria-pressed', String(shrunk));
        chart.draw(true);
      },
    },
    'Shrunk',
  );
  const chart = new Chart({
    title: 'Correlation of returns',
    unit: 'one-minute log returns, −1 (orange) opposite to +1 (blue) together; absent where a pair has too few common minutes',
    span: 8,
    height: 620,
    controls: [button],
    document: get,
    figure: (colour) => figure(get(), shrunk, colour),
  });
  const side = h('section', { class: 'panel span-4 dense', 'aria-label': 'Pairs and method' });
  root.append(h('h1', { class: 'sr' }, 'Correlation'), h('div', { class: 'board' }, chart.element, side));

  function draw() {
    const document = get();
    const fresh = freshness(document, store.now());
    if (!document || !document.matrix) {
      side.replaceChildren(
        h('h2', {}, 'High pairs'),
        note(
          document
            ? `No value (${fresh.state}): ${fresh.reason}.`
            : `Correlation needs some minutes of prices of two symbols or more.${nextRun(store)}`,
        ),
      );
      return;
    }
    const rows = (document.high_pairs ?? []).slice(0, 30).map(({ pair, correlation, low, high, observations }) => [
      h(
        'span',
        {},
        pair.flatMap((one, i) => [i ? ' · ' : '', h('a', { href: `#/symbol/${encodeURIComponent(one)}` }, one)]),
      ),
      value(
        format.fixed(correlation, 2, { plus: true, tone: true }),
        correlation,
        ALL,
        `correlation.matrix.${pair[0]}.${pair[1]}`,
      ),
      typeof low === 'number' ? `${format.fixed(low, 2).text} to ${format.fixed(high, 2).text}` : '–',
      observations ?? '–',
    ]);
    const pair = (label, shown) => [h('dt', {}, label), h('dd', {}, value(shown))];
    side.replaceChildren(
      h('h2', {}, 'High pairs'),
      h('p', { class: 'unit' }, 'size 0.7 or more; 95 % interval; common minutes'),
      rows.length
        ? plainTable('High pairs', ['Pair', 'ρ', '95 %', 'Minutes'], rows)
        : note('No pair moves so closely together.'),
      h('h2', { class: 'gap' }, 'Method'),
      h(
        'dl',
        { class: 'pairs' },
        [
          pair('source', format.word(document.source)),
          pair('method', format.word(document.method)),
          pair('window', format.fixed(document.window_minutes, 0, { unit: ' min' })),
          pair('pairs', format.fixed(document.pair_count, 0)),
          pair('mean correlation', format.fixed(document.avg_correlation, 2)),
          pair('shrinkage', format.fixed(document.shrinkage, 2, { reason: 'too few complete rows' })),
          pair('smallest eigenvalue', format.fixed(document.min_eigenvalue, 3, { reason: 'a pair is absent' })),
          pair('not included', { text: (document.not_included ?? []).join(', ') || 'none' }),
        ].flat(),
      ),
    );
  }
  draw();
  return {
    update(changed) {
      if (!changed.get(ALL)?.has('correlation')) return;
      draw();
      chart.draw();
    },
    tick() {
      chart.tick(store.now());
      if (!get()) draw(); // How long it still takes changes.
    },
  };
}

/** When the engine looks again. */
function nextRun(store) {
  const beat = store.get(ALL, 'heartbeat');
  const every = beat?.update_intervals?.correlation;
  const last = beat?.last_updates?.correlation;
  if (!every) return '';
  const left = last ? last * 1000 + every * 1000 - store.now() : NaN;
  return ` It is computed every ${every} s${left > 0 ? `: again in ${format.ageText(Math.ceil(left / 1000) * 1000)}` : ''}.`;
}

function figure(document, shrunk, colour) {
  if (!document?.matrix)
    return document
      ? `No value: ${document.meta.reason ?? 'too few common minutes'}.`
      : 'Nothing published yet: correlation needs some minutes of prices of two symbols or more.';
  const matrix = shrunk ? document.matrix_shrunk : document.matrix;
  if (!matrix) return 'The shrunk matrix needs minutes that every symbol has: there are too few.';
  const names = Object.keys(matrix).sort();
  const z = names.map((a) => names.map((b) => matrix[a]?.[b] ?? matrix[b]?.[a] ?? null));
  const seen = names.map((a) =>
    names.map((b) => document.observations?.[a]?.[b] ?? document.observations?.[b]?.[a] ?? '–'),
  );
  return {
    data: [
      {
        type: 'heatmap',
        x: names,
        y: names,
        z,
        customdata: seen,
        zmin: -1,
        zmax: 1,
        colorscale: [
          [0, colour.heatDown],
          [0.5, colour.panel],
          [1, colour.heatUp],
        ],
        xgap: 1,
        ygap: 1,
        hoverongaps: false,
        showscale: false,
        hovertemplate: '%{y} · %{x}: %{z:.3f}, %{customdata} minutes<extra></extra>',
        ...(names.length <= WITH_TEXT ? { texttemplate: '%{z:.2f}', textfont: { size: 11, color: colour.text } } : {}),
      },
    ],
    layout: {
      hovermode: 'closest',
      showlegend: false,
      xaxis: { type: 'category', side: 'bottom', showgrid: false },
      yaxis: { type: 'category', autorange: 'reversed', showgrid: false },
    },
    rows: [['symbol', ...names], ...names.map((name, i) => [name, ...z[i]])],
    summary: `Mean ${format.fixed(document.avg_correlation, 2).text}.`,
  };
}
