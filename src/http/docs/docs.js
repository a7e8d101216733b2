// Draws /openapi.json: a group a tag, a row an operation. No text is ever taken for markup.

const h = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child != null));
  return element;
};

const cells = (tag, texts) => h('tr', {}, texts.map((text) => h(tag, {}, text ?? '')));

const table = (head, rows) =>
  rows.length ? h('table', {}, h('thead', {}, cells('th', head)), h('tbody', {}, rows)) : null;

const typeOf = (schema = {}) => {
  const type = [schema.type ?? (schema.$ref ? 'object' : 'any')].flat().join(' or ');
  if (schema.enum) return schema.enum.join(' | ');
  const range = schema.minimum === undefined ? '' : `, ${schema.minimum} to ${schema.maximum}`;
  const usual = schema.default === undefined ? '' : `, ${schema.default} unless given`;
  return `${type}${range}${usual}`;
};

/** A schema with what it refers to put in its place, a few levels deep. */
const resolved = (schema, root, depth = 0) => {
  if (Array.isArray(schema)) return schema.map((item) => resolved(item, root, depth));
  if (schema === null || typeof schema !== 'object') return schema;
  if (schema.$ref && depth < 4) {
    const path = schema.$ref.slice(2).split('/');
    return resolved(path.reduce((at, part) => at?.[part], root), root, depth + 1);
  }
  const entries = Object.entries(schema).filter(([key]) => key !== '$defs');
  return Object.fromEntries(entries.map(([key, value]) => [key, resolved(value, root, depth)]));
};

const shown = (schema, root) => {
  const details = h('details', {}, h('summary', {}, 'Schema'));
  // Written when it is opened: some are long.
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1)
      details.append(h('pre', {}, JSON.stringify(resolved(schema, root), null, 2)));
  });
  return details;
};

const answer = ([status, said], root) => {
  const whole = said.$ref ? resolved(said, root, 3) : said;
  const [kind, content] = Object.entries(whole.content ?? {})[0] ?? ['', undefined];
  const schema = content?.schema;
  const isLong = schema && (schema.properties || (schema.$ref && !schema.$ref.endsWith('/Error')));
  return h('tr', {}, h('td', {}, h('code', {}, status)), h('td', {}, kind),
    h('td', {}, whole.description ?? '', isLong ? shown(schema, root) : null));
};

const operation = (path, verb, said, root) => {
  const id = said.operationId;
  const parameters = (said.parameters ?? []).map((parameter) =>
    cells('td', [
      h('code', {}, parameter.name),
      `${parameter.in}${parameter.required ? ', required' : ''}`,
      typeOf(parameter.schema),
      parameter.description,
    ]));
  const body = said.requestBody?.content?.['application/json']?.schema;
  return h('details', { id },
    h('summary', {}, h('span', { class: 'verb' }, verb), h('code', {}, path), ` ${said.summary}`),
    table(['Parameter', 'In', 'Type', 'Meaning'], parameters),
    body ? h('div', {}, h('p', {}, 'Body'), shown(body, root)) : null,
    table(['Status', 'Type', 'Meaning'], Object.entries(said.responses).map((entry) => answer(entry, root))));
};

const draw = (root) => {
  const groups = new Map();
  for (const [path, verbs] of Object.entries(root.paths))
    for (const [verb, said] of Object.entries(verbs)) {
      const tag = said.tags?.[0] ?? 'other';
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, verb, said, root));
    }
  const sections = [...groups].map(([tag, rows]) => h('section', {}, h('h2', {}, tag), rows));
  return [h('p', {}, `Version ${root.info.version}. ${root.info.description}`), ...sections];
};

const main = document.getElementById('main');
try {
  const response = await fetch('/openapi.json');
  const root = await response.json();
  if (!response.ok) throw new Error(root.error);
  main.replaceChildren(...draw(root));
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named) {
    named.open = true;
    named.scrollIntoView();
  }
} catch (error) {
  main.replaceChildren(h('p', { role: 'alert' }, `The document could not be read: ${error.message}`));
}
