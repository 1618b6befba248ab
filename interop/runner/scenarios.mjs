// Protocols that need more than one connection. A scenario runs with (dialer, listener), once with each side in each
// role; `needs` names the features that a side must have in its role.

export const SCENARIOS = []
