/** Shows a table as it is: all rows once, then each transaction, as the server commits it. */
/** What can be done with an order, by its step. */
const NEXT = { new: ['Cook', 'cooking'], cooking: ['Ready', 'ready'], ready: ['Serve', 'served'] };
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

const body = document.getElementById('orders');
const shown = new Map();
let image;

const events = new EventSource('orders/events');
events.onopen = () => say('live');
// The browser connects again by itself, and tells the server which transaction it has.
events.onerror = () => say(events.readyState === EventSource.CLOSED ? 'disconnected' : 'reconnecting');
events.addEventListener('image', ({ data }) => {
  const { rows, last } = JSON.parse(data);
  image = [...(image ?? []), ...rows];
  if (!last) return;
  const there = new Set(image.map(({ id }) => id));
  for (const id of shown.keys()) if (!there.has(id)) remove(id);
  for (const order of image) put(order);
  image = undefined;
  count();
});
events.addEventListener('commit', ({ data }) => {
  for (const { kind, id, order } of JSON.parse(data)) {
    if (kind === 'delete') remove(id);
    else put(order);
  }
  count();
});

document.getElementById('place').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  const { dish, seat } = Object.fromEntries(new FormData(form));
  if (await ask('POST', 'orders', { dish, seat: Number(seat) })) {
    form.reset();
    form.elements.dish.focus();
  }
});

/** Nothing is shown because it was asked for: it is shown when the server has committed it, here as everywhere. */
async function ask(method, path, content) {
  const problem = document.getElementById('problem');
  let text = '';
  try {
    const response = await fetch(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) });
    if (!response.ok) text = (await response.json()).message ?? `the server answered with ${response.status}`;
  } catch {
    text = 'the server does not answer';
  }
  problem.textContent = text;
  problem.hidden = text === '';
  return text === '';
}

function put(order) {
  const row = rowOf(order);
  const old = shown.get(order.id);
  shown.set(order.id, row);
  if (old !== undefined) old.replaceWith(row);
  else body.insertBefore(row, [...body.rows].find((other) => Number(other.dataset.id) < order.id) ?? null);
}

function remove(id) {
  shown.get(id)?.remove();
  shown.delete(id);
}

/** Text alone: what guests write is never read as HTML. */
function rowOf({ id, dish, seat, step, placedAt }) {
  const row = document.createElement('tr');
  row.dataset.id = id;
  row.dataset.step = step;
  for (const text of [id, dish, seat, TIME.format(new Date(placedAt)), step]) row.insertCell().textContent = text;
  row.cells[4].className = 'step';
  const actions = row.insertCell();
  const [name, next] = NEXT[step] ?? ['Clear'];
  const action = button(name, () => (next === undefined ? ask('DELETE', `orders/${id}`) : ask('PATCH', `orders/${id}`, { step: next })));
  action.setAttribute('aria-label', `${name} order ${id}`);
  actions.append(action);
  return row;
}

function button(text, work) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.addEventListener('click', work);
  return made;
}

function count() {
  document.getElementById('count').textContent = shown.size;
  document.getElementById('open').textContent = [...shown.values()].filter(({ dataset }) => dataset.step !== 'served').length;
  document.getElementById('empty').hidden = shown.size > 0;
}

function say(state) {
  const place = document.getElementById('state');
  place.textContent = state;
  place.dataset.state = state;
}
