// Volatility by strike and time, and what the open interest says: 3-D surface, smiles, max pain, open
// interest by strike, put-call ratio through the day.

import { h, setText } from './dom.js';
import { Chart, level, none, rangeOf } from './charts.js';
import { FAR, smileFigure, surfaceFigure } from './smile.js';
import { get as ask } from './api.js';
import { compactText, priceText } from './format.js';

const NAMES = ['summary', 'surface', 'max_pain', 'oi_buildup', 'pcr', 'expected_move'];
/** Drawing a surface costs much where there is no graphics card, and it hardly moves. */
const SOLID_REDRAW_MS = 20_000;
const HISTORY_AGAIN_MS = 60_000;

export const title = ({ symbol }) => `${symbol} surface`;
export const selection = ({ symbol }) => ({ symbols: [symbol], names: NAMES });

const idOf = (symbol) => (slice) =>
  slice.root && slice.root !== symbol ? `${slice.expiry} ${slice.root}` : slice.expiry;

/** A level as a line, and as what the key above the chart says of it. */
const lineAt = ([at, , ink, dash]) => level(at, '', ink, 0, dash).shape;
const keyOf = ([at, name, ink, dash]) => ({ at, name, ink, dash });

/** A ratio that hardly moves is to look like one: its axis spans so much at least. */
const LEAST_RATIO = 0.1;

export function mount(root, { store, symbol, query, setQuery }) {
  const get = (name) => store.get(symbol, name);
  const id = idOf(symbol);
  let chosen = query.get('expiry');
  let angle = -0.87;
  let turning;
  let past = { text: 'Asking for the history…' };

  const picker = h('select', {
    id: 'expiry',
    onchange: () => {
      chosen = picker.value;
      setQuery({ expiry: chosen });
      for (const one of [pain, interest]) one.draw(true);
    },
  });
  const turn = h(
    'button',
    { type: 'button', class: 'tool', 'aria-pressed': 'false', onclick: () => rotate(!turning) },
    'Rotate',
  );
  const sliceOf = (name) => get(name)?.by_expiry?.find((one) => id(one) === chosen) ?? get(name)?.by_expiry?.[0];

  const chart = (options) => new Chart({ of: symbol, ...options });
  const solid = chart({
    title: 'Volatility surface',
    unit: 'implied volatility, percent, of the contract out of the money; ln(K/F) by days to settlement',
    span: 6,
    height: innerWidth < 600 ? 300 : 470,
    controls: [turn],
    redrawMs: SOLID_REDRAW_MS,
    document: () => get('surface'),
    figure: (colour) => surfaceFigure(get('surface'), symbol, id, colour),
  });
  const smiles = chart({
    title: 'Smiles',
    unit: 'implied volatility, percent, by strike, 2.5 σ to each side; points quoted, line fitted (SVI), dotted where there is no fit',
    span: 6,
    height: 470,
    document: () => get('surface'),
    figure: (colour) => smileFigure(get('surface'), id, colour),
  });
  const pain = chart({
    title: 'Max pain',
    unit: 'money paid to holders, by settlement price; least at max pain',
    span: 4,
    document: () => get('max_pain'),
    figure: painFigure,
  });
  const interest = chart({
    title: 'Open interest by strike',
    unit: 'contracts open, calls up, puts down; Δ by a click on the legend',
    span: 4,
    document: () => get('oi_buildup'),
    figure: interestFigure,
  });
  const ratio = chart({
    title: 'Put-call ratio through the day',
    unit: 'puts over calls, all expiries; above 1 more puts',
    span: 4,
    document: () => get('pcr'),
    figure: ratioFigure,
  });
  const charts = [solid, smiles, pain, interest, ratio];
  const marks = h('span', { class: 'muted' });
  root.append(
    h(
      'div',
      { class: 'head' },
      h('h1', {}, symbol),
      h('label', { for: 'expiry', class: 'muted' }, 'Expiry of max pain and open interest'),
      picker,
      marks,
      h('a', { href: `#/symbol/${encodeURIComponent(symbol)}` }, 'Symbol'),
      h('a', { href: `#/chain/${encodeURIComponent(symbol)}` }, 'Option chain'),
    ),
    h(
      'div',
      { class: 'board gap' },
      charts.map((one) => one.element),
    ),
  );

  function fillPicker() {
    const ids = (get('max_pain')?.by_expiry ?? []).map(id);
    if (!ids.length || ids.join() === picker.known) return;
    picker.known = ids.join();
    if (!ids.includes(chosen)) [chosen] = ids;
    picker.replaceChildren(...ids.map((one) => h('option', { value: one, selected: one === chosen }, one)));
  }

  /** Turns the surface slowly, until asked to stop or the page is left. */
  function rotate(on) {
    turn.setAttribute('aria-pressed', String(on));
    clearInterval(turning);
    turning = on
      ? setInterval(() => {
          if (!solid.drawn || !solid.inSight || document.hidden) return;
          angle += 0.02;
          const eye = { x: 1.97 * FAR * Math.cos(angle), y: 1.97 * FAR * Math.sin(angle), z: 0.66 * FAR };
          window.Plotly.relayout(solid.body, { 'scene.camera.eye': eye });
        }, 100)
      : undefined;
  }

  function painFigure(colour) {
    const slice = sliceOf('max_pain');
    if (!slice?.curve?.length)
      return none(get('max_pain'), slice?.reason?.replaceAll('_', ' ') ?? 'max pain needs open interest');
    const near = inSight(slice.curve.map((one) => one.strike));
    const x = slice.curve.map((one) => one.strike);
    const spot = get('max_pain').spot;
    const currency = get('max_pain').meta.currency;
    const marks = [
      [slice.max_pain_strike, 'max pain', colour.down, 'dash'],
      [spot, 'spot', colour.text, 'solid'],
    ];
    const visible = slice.curve
      .filter((one) => one.strike >= near[0] && one.strike <= near[1])
      .map((one) => one.payout);
    return {
      data: [
        {
          type: 'scatter',
          mode: 'lines',
          x,
          y: slice.curve.map((one) => one.payout),
          customdata: slice.curve.map((one) => compactText(one.payout)),
          name: 'paid',
          line: { color: colour.up, width: 2 },
          hovertemplate: `%{customdata} ${currency}<extra>%{x}</extra>`,
        },
      ],
      layout: {
        showlegend: false,
        xaxis: { range: near, tickformat: ',' },
        yaxis: { exponentformat: 'B', range: [0, Math.max(...visible) * 1.05] },
        shapes: marks.map(lineAt),
      },
      keys: marks.map(keyOf),
      rows: [['settlement', 'payout'], ...slice.curve.map((one) => [one.strike, one.payout])],
      summary: `Max pain of ${slice.expiry} at ${slice.max_pain_strike}.`,
    };
  }

  function interestFigure(colour) {
    const slice = sliceOf('oi_buildup');
    if (!slice?.strikes?.length) return none(get('oi_buildup'), 'it needs open interest');
    const x = slice.strikes.map((one) => one.strike);
    const bar = (side, sign, ink, name, key, opacity) => ({
      type: 'bar',
      x,
      y: slice.strikes.map((one) => (typeof one[side]?.[key] === 'number' ? sign * one[side][key] : null)),
      customdata: slice.strikes.map((one) => compactText(one[side]?.[key] ?? 0)),
      name,
      marker: { color: ink, opacity },
      hovertemplate: '%{customdata}<extra>%{fullData.name}</extra>',
      visible: opacity === 1 ? true : 'legendonly',
    });
    const near = inSight(x);
    const marks = [
      [slice.support, 'support', colour.down, 'dot'],
      [slice.resistance, 'resistance', colour.up, 'dot'],
      [get('oi_buildup').spot, 'spot', colour.text, 'solid'],
    ].filter(([at]) => typeof at === 'number');
    return {
      data: [
        bar('call', 1, colour.up, 'calls', 'open_interest', 1),
        bar('put', -1, colour.down, 'puts', 'open_interest', 1),
        bar('call', 1, colour.net, 'Δ calls', 'oi_change', 0.99),
        bar('put', -1, colour.third, 'Δ puts', 'oi_change', 0.99),
      ],
      layout: {
        barmode: 'relative',
        xaxis: { range: near, tickformat: ',' },
        yaxis: { exponentformat: 'B' },
        shapes: marks.map(lineAt),
      },
      keys: marks.map(keyOf),
      rows: [
        ['strike', 'call_oi', 'call_oi_change', 'call_state', 'put_oi', 'put_oi_change', 'put_state'],
        ...slice.strikes.map((one) => [
          one.strike,
          one.call?.open_interest,
          one.call?.oi_change,
          one.call?.state,
          one.put?.open_interest,
          one.put?.oi_change,
          one.put?.state,
        ]),
      ],
      summary: `${slice.interpretation}. Support ${slice.support ?? 'none'}, resistance ${slice.resistance ?? 'none'}.`,
    };
  }

  function ratioFigure(colour) {
    if (!past.rows) return past.text;
    const x = past.rows.map((row) => new Date(row[0]));
    const names = past.fields.map((field, i) => [field, i + 1]).filter(([field]) => /pcr_(oi|volume)$/.test(field));
    return {
      data: names.map(([field, i], n) => ({
        type: 'scatter',
        mode: 'lines',
        x,
        y: past.rows.map((row) => row[i]),
        name: field.endsWith('oi') ? 'open interest' : 'volume',
        line: { color: n ? colour.down : colour.up, width: 1.6, dash: n ? 'dot' : 'solid' },
        hovertemplate: '%{y:.3f}<extra>%{fullData.name}</extra>',
      })),
      layout: { xaxis: { type: 'date' }, yaxis: { range: rangeOf(past.rows.flatMap((row) => row.slice(1)), LEAST_RATIO) } },
      rows: [['time', ...past.fields], ...past.rows.map(([at, ...values]) => [new Date(at).toISOString(), ...values])],
    };
  }

  async function loadPast() {
    const from = new Date(store.now() - 24 * 3_600_000).toISOString();
    try {
      past = await ask(
        `/analytics/${encodeURIComponent(symbol)}/pcr/history?from=${from}&step=60&fields=total.pcr_oi,total.pcr_volume`,
      );
      if (!past.rows.length) past = { text: 'The history holds nothing of today yet.' };
    } catch (error) {
      past = {
        text:
          error.code === 'history_off'
            ? 'History is off, so there is no day to draw. Set history.url = "sqlite:history.db" in analytics.toml to keep one.'
            : error.code === 'history_away'
              ? `The history is away since ${error.body.since ?? 'a while'}: ${error.message}.`
              : `No history: ${error.message}.`,
      };
    }
    ratio.stale = true;
    ratio.draw(true);
  }
  loadPast();
  const again = setInterval(loadPast, HISTORY_AGAIN_MS);

  /** The strikes around spot that matter until the chosen expiry. */
  function inSight(strikes) {
    const spot = get('summary')?.spot ?? strikes[strikes.length >> 1];
    const move = get('expected_move')?.by_expiry?.find((one) => id(one) === chosen)?.em_1sd_iv ?? spot * 0.02;
    const wide = Math.max(4 * move, spot * 0.02);
    return [spot - wide, spot + wide];
  }

  return {
    update(changed) {
      if (!changed.get(symbol)) return;
      fillPicker();
      for (const one of charts) one.draw();
    },
    tick() {
      fillPicker();
      for (const one of charts) one.tick(store.now());
      setText(
        marks,
        chosen && sliceOf('max_pain') ? `max pain ${priceText(sliceOf('max_pain').max_pain_strike ?? NaN)}` : '',
      );
    },
    close() {
      rotate(false);
      clearInterval(again);
    },
  };
}
