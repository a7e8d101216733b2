// How numbers, times and absences are written. Every function gives `{text, title, tone, missing}`;
// what is absent is a dash that tells why, never a zero.

const MINUS = '−';
const signed = (text) => text.replace('-', MINUS);
const finite = (value) => typeof value === 'number' && Number.isFinite(value);

/** What stands where there is no value. */
export function absent(reason) {
  return { text: '–', title: reason || 'no value', missing: true };
}

// Made once: making one costs more than a row of the table.
const plain = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const cents = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const hundredths = new Intl.NumberFormat('en-US', { minimumFractionDigits: 4, maximumFractionDigits: 4 });

const toneOf = (value) => (value > 0 ? 'up' : value < 0 ? 'down' : null);

/** A count of money or shares in K, M, B, T: three digits that matter. `plus` writes the sign always. */
export function compact(value, { reason, plus = true, tone = true, unit = '' } = {}) {
  if (!finite(value)) return absent(reason);
  const text = compactText(value, plus);
  const title = `${signed(plain.format(value))}${unit && ' ' + unit}`;
  return { text, title, tone: tone ? toneOf(value) : null };
}

export function compactText(value, plus = false) {
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : plus && value > 0 ? '+' : '';
  for (const [unit, name] of [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ]) {
    // 999.95 K would be written 1000 K.
    if (size >= unit * 0.9995) return sign + digits(size / unit) + name;
  }
  return sign + (size >= 100 || Number.isInteger(size) ? size.toFixed(0) : size.toPrecision(3));
}

const digits = (size) => size.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);

/** A price: two decimals, four under one. */
export function price(value, { reason } = {}) {
  if (!finite(value)) return absent(reason);
  return { text: priceText(value), title: String(value) };
}

export function priceText(value) {
  return signed((Math.abs(value) < 1 && value !== 0 ? hundredths : cents).format(value));
}

/** A plain number with so many decimals. */
export function fixed(value, places = 2, { reason, plus = false, tone = false, unit = '' } = {}) {
  if (!finite(value)) return absent(reason);
  const text = value.toFixed(places);
  const zero = Number(text) === 0;
  const body = zero ? text.replace('-', '') : signed(text);
  return {
    text: (plus && value > 0 && !zero ? '+' : '') + body + unit,
    title: String(value),
    tone: tone && !zero ? toneOf(value) : null,
  };
}

/** A fraction as percent. */
export function share(value, places = 1, options = {}) {
  return finite(value) ? fixed(value * 100, places, { unit: ' %', ...options }) : absent(options.reason);
}

/** What is in percent already. */
export function percent(value, places = 2, options = {}) {
  return fixed(value, places, { unit: ' %', ...options });
}

/** A word of the documents, as people read it. */
export function word(value, { reason, tone } = {}) {
  if (value === null || value === undefined || value === '') return absent(reason);
  return { text: String(value).replaceAll('_', ' ').toLowerCase(), tone };
}

/** A length of time in milliseconds: 0.4 s, 12 s, 3 m 20 s, 2 h 5 m. */
export function ageText(ms) {
  if (!finite(ms)) return '–';
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 119.5) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} m`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
  return `${Math.floor(s / 86_400)} d`;
}

/** Time of day where the reader is. */
export function timeText(ms, { millis = false } = {}) {
  if (!finite(ms)) return '–';
  const at = new Date(ms);
  const two = (n) => String(n).padStart(2, '0');
  const text = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return millis ? `${text}.${String(at.getMilliseconds()).padStart(3, '0')}` : text;
}

/** Hours and minutes where the reader is, with the date where that is not the day of `now`. */
export function momentText(ms, now) {
  const at = new Date(ms);
  const time = timeText(ms).slice(0, 5);
  if (at.toDateString() === new Date(now).toDateString()) return time;
  return `${at.getMonth() + 1}-${String(at.getDate()).padStart(2, '0')} ${time}`;
}

/** A time of day whose title is the instant in UTC. */
export function time(ms, { reason, millis } = {}) {
  if (!finite(ms)) return absent(reason);
  return { text: timeText(ms, { millis }), title: new Date(ms).toISOString() };
}

/** Milliseconds of computing. */
export function duration(ms, { reason } = {}) {
  if (!finite(ms)) return absent(reason);
  const text = ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms >= 10 ? 0 : ms >= 1 ? 1 : 2)} ms`;
  return { text, title: `${ms} ms` };
}

/** A size in bytes; B alone would be read as billions. */
export function bytes(value, { reason } = {}) {
  if (!finite(value)) return absent(reason);
  const [size, unit] = value >= 1e9 ? [1e9, 'GB'] : value >= 1e6 ? [1e6, 'MB'] : value >= 1e3 ? [1e3, 'KB'] : [1, 'bytes'];
  return { text: `${size === 1 ? value : digits(value / size)} ${unit}`, title: `${value} bytes` };
}

/** `20261120` and `2026-11-20` as the latter. */
export function dateText(date) {
  const text = String(date);
  return /^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text;
}
