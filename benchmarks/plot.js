/**
 * A plot of lines over two logarithmic axes, as SVG: small enough to be kept beside the table that it shows.
 *
 * @param {{ title: string, x: string, y: string, lines: { name: string, points: [number, number][], end?: string }[] }} plot
 *   `end` is written at a line's last point: why it does not go on
 */
export function plot({ title, x, y, lines }) {
  const points = lines.flatMap((line) => line.points);
  const [left, right] = decades(points.map(([at]) => at));
  const [low, high] = decades(points.map(([, value]) => value));
  const across = (value) => MARGIN.left + ((Math.log10(value) - left) / (right - left)) * WIDTH;
  const up = (value) => MARGIN.top + HEIGHT - ((Math.log10(value) - low) / (high - low)) * HEIGHT;
  const parts = [
    text(MARGIN.left, 20, title, 'font-size="15" font-weight="600"'),
    ...range(left, right).map((power) => grid(across(10 ** power), MARGIN.top, across(10 ** power), MARGIN.top + HEIGHT)),
    ...range(low, high).map((power) => grid(MARGIN.left, up(10 ** power), MARGIN.left + WIDTH, up(10 ** power))),
    ...range(left, right).map((power) => text(across(10 ** power), MARGIN.top + HEIGHT + 18, short(10 ** power), 'text-anchor="middle"')),
    ...range(low, high).map((power) => text(MARGIN.left - 8, up(10 ** power) + 4, short(10 ** power), 'text-anchor="end"')),
    text(MARGIN.left + WIDTH / 2, MARGIN.top + HEIGHT + 38, x, 'text-anchor="middle"'),
    `<text transform="translate(14 ${MARGIN.top + HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    ...lines.flatMap((line, at) => curve(line, COLORS[at % COLORS.length], across, up, at)),
  ];
  const size = `width="${MARGIN.left + WIDTH + MARGIN.right}" height="${MARGIN.top + HEIGHT + MARGIN.bottom}"`;
  const style = 'font-family="system-ui, sans-serif" font-size="12" fill="#222"';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n<rect width="100%" height="100%" fill="#fff"/>\n${parts.join('\n')}\n</svg>\n`;
}

const WIDTH = 560;
const HEIGHT = 300;
const MARGIN = { left: 64, right: 210, top: 40, bottom: 52 };
const COLORS = ['#0b6e4f', '#c1440e', '#3f51b5', '#8e24aa', '#6d4c41', '#00838f', '#9e9d24'];

function curve({ name, points, end }, color, across, up, at) {
  if (points.length === 0) return [];
  const path = points.map(([px, py]) => `${across(px).toFixed(1)},${up(py).toFixed(1)}`).join(' ');
  const [lastX, lastY] = points.at(-1);
  const key = MARGIN.top + 12 + at * 20;
  const keyX = MARGIN.left + WIDTH + 16;
  return [
    `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`,
    ...points.map(([px, py]) => `<circle cx="${across(px).toFixed(1)}" cy="${up(py).toFixed(1)}" r="2.5" fill="${color}"/>`),
    `<line x1="${keyX}" y1="${key - 4}" x2="${keyX + 18}" y2="${key - 4}" stroke="${color}" stroke-width="3"/>`,
    text(keyX + 24, key, name, ''),
    ...(end === undefined ? [] : [text(across(lastX) - 4, up(lastY) - 8, end, `text-anchor="end" fill="${color}"`)]),
  ];
}

/** The powers of ten around some values. */
function decades(values) {
  const logs = values.map(Math.log10);
  const low = Math.floor(Math.min(...logs));
  return [low, Math.max(low + 1, Math.ceil(Math.max(...logs)))];
}

function range(from, to) {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function grid(x1, y1, x2, y2) {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`;
}

function text(x, y, content, more) {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(content)}</text>`;
}

function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function short(value) {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1000 ? `${value / 1000} k` : String(value);
}
