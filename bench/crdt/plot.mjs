// A small plot as SVG: what one edit costs by the size of the text, both axes logarithmic.
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [640, 360, 64, 44, 16, 20]
const COLOURS = { vivim: '#1a6fb5', yjs: '#b5541a' }

const decades = (from, to) => Array.from({ length: Math.round(Math.log10(to / from)) + 1 }, (_, i) => from * 10 ** i)
const power = value => `10<tspan dy="-5" font-size="9">${Math.round(Math.log10(value))}</tspan>`
const time = ns => ns >= 1e6 ? `${ns / 1e6} ms` : ns >= 1000 ? `${ns / 1000} µs` : `${ns} ns`

/** `series`: by name, [{ characters, ns }]. */
export function plot (series) {
  const points = Object.values(series).flat()
  const xs = decades(1e4, 10 ** Math.ceil(Math.log10(Math.max(...points.map(point => point.characters)) / 1.05)))
  const lowest = 10 ** Math.floor(Math.log10(Math.min(...points.map(point => point.ns))))
  const ys = decades(lowest, 10 ** Math.ceil(Math.log10(Math.max(...points.map(point => point.ns)))))
  const place = (value, axis, from, to) =>
    from + (Math.log10(value) - Math.log10(axis[0])) / (Math.log10(axis.at(-1)) - Math.log10(axis[0])) * (to - from)
  const x = value => place(value, xs, LEFT, WIDTH - RIGHT).toFixed(1)
  const y = value => place(value, ys, HEIGHT - BOTTOM, TOP).toFixed(1)
  const lines = [
    ...xs.map(value => `<path class="grid" d="M${x(value)} ${TOP}V${HEIGHT - BOTTOM}"/>` +
      `<text x="${x(value)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${power(value)}</text>`),
    ...ys.map(value => `<path class="grid" d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}"/>` +
      `<text x="${LEFT - 6}" y="${(Number(y(value)) + 4).toFixed(1)}" text-anchor="end">${time(value)}</text>`),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">characters in the text</text>`
  ]
  for (const [name, found] of Object.entries(series)) {
    if (found.length === 0) continue
    const last = found.at(-1)
    lines.push(
      `<polyline fill="none" stroke="${COLOURS[name]}" stroke-width="2" points="${found.map(point => `${x(point.characters)},${y(point.ns)}`).join(' ')}"/>`,
      ...found.map(point => `<circle cx="${x(point.characters)}" cy="${y(point.ns)}" r="2.5" fill="${COLOURS[name]}"/>`),
      `<text x="${x(last.characters)}" y="${(Number(y(last.ns)) - 8).toFixed(1)}" text-anchor="end" fill="${COLOURS[name]}">${name}</text>`
    )
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>What one edit costs, by the size of the text</title>
<style>.grid { stroke: #ddd; fill: none }</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${lines.join('\n')}
</svg>
`
}
