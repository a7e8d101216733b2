// The charts of what an option book makes its hedgers do: price with levels, gamma by strike and over
// spot, delta, vanna and charm, skew and term structure.

import { Chart, level, none } from './charts.js';
import { compactText, dateText, priceText } from './format.js';
import { skewFigure, termFigure } from './skew.js';

const SIGN = {
  dealer_long_calls_short_puts: 'dealers long calls, short puts: + is sold into strength and damps moves',
  unsigned: 'calls and puts alike, without sign',
};

/** How far from spot a chart over strikes reaches at first. */
function strikeRange(get, spot) {
  const move = get('expected_move')?.by_expiry?.find((one) => one.days >= 5)?.em_1sd_iv ?? spot * 0.02;
  return [spot - 3 * move, spot + 3 * move];
}

/** Values with the hover text people read: 12.3B, not 12.3G. */
const money = (y, currency) => ({
  y,
  customdata: y.map((one) => (typeof one === 'number' ? compactText(one, true) : '–')),
  hovertemplate: `%{customdata} ${currency}<extra>%{fullData.name}</extra>`,
});

/** Levels that every chart over price marks, those that lie in its range. */
function levels(get, colour, range) {
  const gex = get('gex');
  const spot = get('summary')?.spot ?? gex?.spot;
  const move = get('expected_move')?.by_expiry?.[0];
  const all = [
    [spot, 'spot', colour.text, 'solid'],
    [gex?.zero_gamma?.nearest, 'zero γ', colour.third, 'dash'],
    [gex?.call_wall, 'call wall', colour.up, 'dot'],
    [gex?.put_wall, 'put wall', colour.down, 'dot'],
    [move?.upper_1sd, '+1 σ', colour.muted, 'dash'],
    [move?.lower_1sd, '−1 σ', colour.muted, 'dash'],
  ];
  return all
    .filter(([at]) => typeof at === 'number' && (!range || (at >= range[0] && at <= range[1])))
    .map(([at, name, ink, dash]) => ({ at, name, ink, dash }));
}

export function exposureCharts(get, symbol, known) {
  const currency = () => known ?? get('gex')?.meta.currency ?? get('summary')?.meta.currency ?? '';
  const chart = (options) =>
    new Chart({ of: symbol, ...options, unit: options.unit.replace(/^money/, () => currency() || 'money') });
  return [
    chart({
      title: 'Price and levels',
      unit: 'one-minute bars, price; levels: zero gamma, walls, one σ to the next expiry',
      span: 6,
      height: 300,
      document: () => get('bars'),
      figure: (colour) => priceFigure(get, colour),
    }),
    chart({
      title: 'Gamma by strike',
      unit: `money per +1 % of spot; ${SIGN.dealer_long_calls_short_puts}`,
      span: 6,
      height: 300,
      document: () => get('gex'),
      figure: (colour) => gammaFigure(get, colour, currency()),
    }),
    chart({
      title: 'Gamma over spot',
      unit: 'money per +1 %, the book re-priced where spot would be; same sign',
      span: 4,
      document: () => get('gex'),
      figure: (colour) => profileFigure(get, colour, currency()),
    }),
    chart({
      title: 'Delta by strike',
      unit: 'money of delta of the whole book; calls +, puts −',
      span: 4,
      document: () => get('dex'),
      figure: (colour) => deltaFigure(get, colour, currency()),
    }),
    chart({
      title: 'Gamma by expiry',
      unit: `money per +1 %; net as dealers’ sign, gross without`,
      span: 4,
      document: () => get('gex'),
      figure: (colour) => gammaExpiryFigure(get, colour, currency()),
    }),
    chart({
      title: 'Vanna by expiry',
      unit: 'money of delta per vol point; calls, puts as they are',
      span: 3,
      document: () => get('vanna'),
      figure: (colour) => expiryFigure(get('vanna'), 'vanna_shares_per_pct_notional', colour, currency()),
    }),
    chart({
      title: 'Charm by expiry',
      unit: 'money of delta per day; calls, puts as they are',
      span: 3,
      document: () => get('charm'),
      figure: (colour) => expiryFigure(get('charm'), 'charm_shares_per_day_notional', colour, currency()),
    }),
    chart({
      title: 'Skew',
      unit: '25-delta volatility, percent, by days to settlement',
      span: 3,
      document: () => get('skew'),
      figure: (colour) => skewFigure(get, colour),
    }),
    chart({
      title: 'Term structure',
      unit: 'at-the-money volatility, percent, by days to settlement',
      span: 3,
      document: () => get('skew'),
      figure: (colour) => termFigure(get, colour),
    }),
  ];
}

function priceFigure(get, colour) {
  const bars = get('bars');
  const window = bars?.windows?.find((one) => one.window_minutes === 1);
  if (!window?.start_ms.length) return none(bars, 'the first bar comes with the first trades');
  const x = window.start_ms.map((ms) => new Date(ms));
  const low = Math.min(...window.low);
  const high = Math.max(...window.high);
  // Levels further away than the price moved twice over would flatten the bars.
  const room = Math.max((high - low) * 1.2, high * 0.004);
  const list = levels(get, colour, [low - room, high + room]);
  const at = list.map((one) => one.at);
  const range = [Math.min(low, ...at), Math.max(high, ...at)];
  const pad = (range[1] - range[0]) * 0.06;
  const beyond = levels(get, colour).filter((one) => !list.some((other) => other.name === one.name));
  return {
    data: [
      {
        type: 'candlestick',
        x,
        open: window.open,
        high: window.high,
        low: window.low,
        close: window.close,
        name: 'price',
        increasing: { line: { color: colour.up, width: 1 }, fillcolor: colour.panel },
        decreasing: { line: { color: colour.down, width: 1 }, fillcolor: colour.down },
      },
    ],
    layout: {
      showlegend: false,
      margin: { l: 52, r: 96, t: 8, b: 28 },
      xaxis: { type: 'date', rangeslider: { visible: false } },
      yaxis: { range: [range[0] - pad, range[1] + pad], tickformat: ',.2f' },
      shapes: list.map(({ at: y, ink, dash }) => ({
        type: 'line',
        xref: 'paper',
        x0: 0,
        x1: 1,
        y0: y,
        y1: y,
        line: { color: ink, width: 1.2, dash },
      })),
      annotations: [
        ...spread(list, range).map(({ at: y, name, ink, shift }) => ({
          xref: 'paper',
          x: 1,
          xanchor: 'left',
          y,
          yshift: shift,
          text: `${name} ${priceText(y)}`,
          showarrow: false,
          font: { size: 10, color: ink },
        })),
      ],
    },
    keys: beyond.map((one) => ({ ...one, name: `beyond: ${one.name}` })),
    rows: [
      ['start', 'open', 'high', 'low', 'close', 'volume'],
      ...x.map((start, i) => [
        start.toISOString(),
        window.open[i],
        window.high[i],
        window.low[i],
        window.close[i],
        window.volume[i],
      ]),
    ],
    summary: `Last ${priceText(window.close.at(-1))}.`,
  };
}

/** Moves labels that would lie on one another apart, by pixels. */
function spread(list, range) {
  const perPixel = (range[1] - range[0]) / 240;
  let below = -Infinity;
  return [...list]
    .sort((a, b) => a.at - b.at)
    .map((one) => {
      const wanted = Math.max(one.at / perPixel, below + 12);
      below = wanted;
      return { ...one, shift: wanted - one.at / perPixel };
    });
}

/** The layout over strikes; the levels are named in the key above, where they cannot hide one another. */
function overStrikes(get, colour, range) {
  const keys = levels(get, colour, range);
  return {
    keys,
    layout: {
      barmode: 'relative',
      xaxis: { range, tickformat: ',' },
      yaxis: { exponentformat: 'B' },
      shapes: keys.map(({ at, ink, dash }) => level(at, '', ink, 0, dash).shape),
    },
  };
}

function gammaFigure(get, colour, currency) {
  const gex = get('gex');
  if (!gex?.by_strike?.length) return none(gex, 'gamma needs an option chain');
  const x = gex.by_strike.map((row) => row.strike);
  const of = (key) => gex.by_strike.map((row) => row[key]);
  const bar = (key, name, ink) => ({ type: 'bar', x, ...money(of(key), currency), name, marker: { color: ink } });
  return {
    data: [
      bar('call', 'calls', colour.up),
      bar('put', 'puts', colour.down),
      {
        type: 'scatter',
        mode: 'lines+markers',
        x,
        ...money(of('net'), currency),
        name: 'net',
        line: { color: colour.net, width: 1.4 },
        marker: { size: 3, symbol: 'diamond' },
      },
    ],
    ...overStrikes(get, colour, strikeRange(get, gex.spot)),
    rows: [['strike', 'call', 'put', 'net'], ...gex.by_strike.map((row) => [row.strike, row.call, row.put, row.net])],
    summary: `Call wall ${gex.call_wall ?? 'none'}, put wall ${gex.put_wall ?? 'none'}.`,
  };
}

function profileFigure(get, colour, currency) {
  const gex = get('gex');
  const profile = gex?.profile;
  if (!profile?.spots?.length) return none(gex, 'gamma needs an option chain');
  const line = (key, name, ink, dash) => ({
    type: 'scatter',
    mode: 'lines',
    x: profile.spots,
    ...money(profile[key], currency),
    name,
    line: { color: ink, width: dash ? 1.2 : 2, dash },
  });
  const data = [line('gex', 'all expiries', colour.net)];
  if (profile.gex_without_next_expiry)
    data.push(line('gex_without_next_expiry', `without ${profile.next_expiry ?? 'next expiry'}`, colour.third, 'dot'));
  return {
    data,
    ...overStrikes(get, colour, strikeRange(get, gex.spot)),
    rows: [
      ['spot', 'gex', 'gex_without_next_expiry'],
      ...profile.spots.map((spot, i) => [spot, profile.gex[i], profile.gex_without_next_expiry?.[i]]),
    ],
    summary: `Zero gamma ${gex.zero_gamma?.nearest ?? 'none'}.`,
  };
}

function deltaFigure(get, colour, currency) {
  const dex = get('dex');
  const rows = Object.entries(dex?.dex_by_strike ?? {})
    .map(([strike, row]) => ({ strike: Number(strike), ...row }))
    .sort((a, b) => a.strike - b.strike);
  if (!rows.length) return none(dex, 'delta needs an option chain');
  const x = rows.map((row) => row.strike);
  const bar = (key, name, ink) => ({
    type: 'bar',
    x,
    ...money(
      rows.map((row) => row[key]),
      currency,
    ),
    name,
    marker: { color: ink },
  });
  return {
    data: [
      bar('call', 'calls', colour.up),
      bar('put', 'puts', colour.down),
      {
        type: 'scatter',
        mode: 'lines',
        x,
        ...money(
          rows.map((row) => row.net),
          currency,
        ),
        name: 'net',
        line: { color: colour.net, width: 1.4 },
      },
    ],
    ...overStrikes(get, colour, strikeRange(get, dex.spot)),
    rows: [['strike', 'call', 'put', 'net'], ...rows.map((row) => [row.strike, row.call, row.put, row.net])],
    summary: `Total ${compactText(dex.total_dex, true)} ${currency}.`,
  };
}

/** Dates as names: expiries are not evenly spaced, and their bars should be of one width. */
const dates = { type: 'category', tickangle: -40 };

function gammaExpiryFigure(get, colour, currency) {
  const gex = get('gex');
  if (!gex?.by_expiry?.length) return none(gex, 'gamma needs an option chain');
  const x = gex.by_expiry.map((row) => row.expiry);
  const net = gex.by_expiry.map((row) => row.net);
  return {
    data: [
      {
        type: 'bar',
        x,
        ...money(net, currency),
        name: 'net',
        marker: { color: net.map((v) => (v >= 0 ? colour.up : colour.down)) },
      },
      {
        type: 'scatter',
        mode: 'markers',
        x,
        ...money(
          gex.by_expiry.map((row) => row.gross),
          currency,
        ),
        name: 'gross',
        marker: { color: colour.muted, size: 7, symbol: 'line-ew-open', line: { width: 2 } },
      },
    ],
    layout: { xaxis: dates, yaxis: { exponentformat: 'B' } },
    rows: [
      ['expiry', 'days', 'net', 'gross'],
      ...gex.by_expiry.map((row) => [row.expiry, row.dte, row.net, row.gross]),
    ],
  };
}

function expiryFigure(document, key, colour, currency) {
  if (!document?.per_expiry?.length) return none(document, 'it needs an option chain');
  const x = document.per_expiry.map((row) => dateText(row.expiry));
  const y = document.per_expiry.map((row) => row[key]);
  return {
    data: [
      {
        type: 'bar',
        x,
        ...money(y, currency),
        name: key.split('_')[0],
        marker: { color: y.map((v) => (v >= 0 ? colour.up : colour.down)) },
      },
    ],
    layout: { showlegend: false, xaxis: dates, yaxis: { exponentformat: 'B' } },
    rows: [
      ['expiry', key, 'open_interest'],
      ...document.per_expiry.map((row) => [dateText(row.expiry), row[key], row.open_interest]),
    ],
  };
}
