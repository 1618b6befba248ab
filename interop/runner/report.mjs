// Rows and columns of what was found, for a terminal and for docs/interop.md.

export class Report {
  constructor (columns) {
    this.columns = columns
    this.sections = []
  }

  section (title, intro = '') {
    this.sections.push({ title, intro, rows: new Map() })
  }

  // cell: { ok: true | false, detail }, or { mark: '-' | 'not yet' | 'skipped', detail }
  set (row, column, cell) {
    const { rows } = this.sections.at(-1)
    if (!rows.has(row)) {
      rows.set(row, new Map())
    }
    rows.get(row).set(column, cell)
  }

  cells () {
    return this.sections.flatMap(section => [...section.rows.values()].flatMap(row => [...row.values()]))
  }

  failed () {
    return this.cells().filter(cell => cell.ok === false).length
  }

  summary () {
    const count = wanted => this.cells().filter(cell => wanted(cell)).length
    return `${count(cell => cell.ok === true)} passed, ${this.failed()} failed, ` +
      `${count(cell => cell.mark === 'skipped' || cell.mark === 'not yet')} skipped`
  }

  static text (cell) {
    if (cell === undefined) {
      return ''
    }
    if (cell.mark !== undefined) {
      return cell.detail ? `${cell.mark} (${cell.detail})` : cell.mark
    }
    return `${cell.ok ? 'ok' : 'FAILED'}${cell.detail ? `, ${cell.detail}` : ''}`
  }

  markdown () {
    const line = cells => `| ${cells.join(' | ')} |`
    return this.sections.map(({ title, intro, rows }) => [
      `## ${title}`, '',
      ...(intro ? [intro, ''] : []),
      line(['', ...this.columns]),
      `|${'---|'.repeat(this.columns.length + 1)}`,
      ...[...rows].map(([name, cells]) => line([name,
        ...this.columns.map(column => Report.text(cells.get(column)).replaceAll('|', '\\|').replaceAll('\n', ' '))])),
      ''
    ].join('\n')).join('\n')
  }
}
