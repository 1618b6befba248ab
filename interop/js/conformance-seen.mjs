// What a session produced, name to count; the driver fails if something never was.
export const seen = new Map()

export const note = (name, count = 1) => {
  if (count > 0) {
    seen.set(name, (seen.get(name) || 0) + count)
  }
}

/** A value that was written. */
export const noteValue = value => {
  if (typeof value === 'number') {
    const size = Math.abs(value)
    if (Object.is(value, -0)) {
      note('value -0')
    } else if (Number.isNaN(value)) {
      note('value NaN')
    } else if (size > 2 ** 31 - 4 && size < 2 ** 31 + 4) {
      note('value around 2^31')
    } else if (size > 2 ** 53 - 4 && size < 2 ** 53 + 4) {
      note('value around 2^53')
    } else if (!Number.isFinite(value)) {
      note('value infinite')
    }
  } else if (typeof value === 'string') {
    note('string beyond 10,000 characters', value.length > 10000 ? 1 : 0)
  } else if (value instanceof Uint8Array) {
    note('bytes')
  } else if (value !== null && typeof value === 'object') {
    Object.values(value).forEach(noteValue)
  }
}
