// The figures of skew and term structure.

import { none, rangeOf } from './charts.js';

const days = {
  type: 'log',
  tickvals: [0.25, 1, 3, 7, 14, 30, 90, 180, 365],
  ticktext: ['6 h', '1', '3', '7', '14', '30', '90', '180', '365 d'],
  tickangle: 0,
};
const inPercent = (value) => (typeof value === 'number' ? value * 100 : null);

export function skewFigure(get, colour) {
  const skew = get('skew');
  const rows = skew?.by_expiry ?? [];
  if (!rows.length) return none(skew, 'skew needs a smile of three strikes or more');
  const line = (key, name, ink, symbol) => ({
    type: 'scatter',
    mode: 'lines+markers',
    x: rows.map((row) => row.days),
    y: rows.map((row) => inPercent(row[key])),
    name,
    text: rows.map((row) => row.expiry),
    line: { color: ink, width: 1.5 },
    marker: { size: 5, symbol },
    hovertemplate: '%{y:.2f} %, %{text}<extra>%{fullData.name}</extra>',
  });
  return {
    data: [
      line('put_iv', '25Δ put', colour.down, 'triangle-down'),
      line('atm_iv', 'at the money', colour.net, 'circle'),
      line('call_iv', '25Δ call', colour.up, 'triangle-up'),
    ],
    layout: { xaxis: days, yaxis: { ticksuffix: ' %' } },
    rows: [
      ['expiry', 'days', 'put_iv', 'atm_iv', 'call_iv', 'rr25_call_minus_put', 'bf25'],
      ...rows.map((row) => [
        row.expiry,
        row.days,
        row.put_iv,
        row.atm_iv,
        row.call_iv,
        row.rr25_call_minus_put,
        row.bf25,
      ]),
    ],
  };
}

/** A flat term structure is to look flat: the axis spans so many volatility points at least. */
const LEAST_POINTS = 2;

export function termFigure(get, colour) {
  const skew = get('skew');
  const rows = (skew?.by_expiry ?? []).filter((row) => typeof row.atm_iv === 'number');
  if (!rows.length) return none(skew, 'the term structure needs an option chain');
  const term = (skew.term ?? []).filter((row) => typeof row.atm_iv === 'number');
  const move = new Map((get('expected_move')?.by_expiry ?? []).map((one) => [one.expiry, one.em_1sd_iv_pct]));
  const shown = [...rows, ...term].map((row) => row.atm_iv * 100);
  return {
    data: [
      {
        type: 'scatter',
        mode: 'lines+markers',
        x: rows.map((row) => row.days),
        y: rows.map((row) => row.atm_iv * 100),
        text: rows.map((row) => row.expiry),
        customdata: rows.map((row) => move.get(row.expiry) ?? null),
        name: 'listed',
        line: { color: colour.up, width: 2 },
        hovertemplate: '%{y:.2f} %, %{text}, 1 σ %{customdata:.2f} %<extra>listed</extra>',
      },
      {
        type: 'scatter',
        mode: 'markers',
        x: term.map((row) => row.days),
        y: term.map((row) => row.atm_iv * 100),
        name: 'constant maturity',
        marker: { symbol: 'diamond-open', size: 9, color: colour.third },
        hovertemplate: '%{y:.2f} %<extra>%{x} d</extra>',
      },
    ],
    layout: { xaxis: days, yaxis: { ticksuffix: ' %', range: rangeOf(shown, LEAST_POINTS) } },
    rows: [['expiry', 'days', 'atm_iv'], ...rows.map((row) => [row.expiry, row.days, row.atm_iv])],
  };
}
