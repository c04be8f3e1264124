/** How the page stands with the server. */

class Connection {
  /** `connecting` until the first answer, then `open` or `lost`. */
  status = $state<'connecting' | 'open' | 'lost'>('connecting');
  /** Last message, ms since the epoch. */
  lastHeard = $state(Date.now());
  /** Next try, ms since the epoch; `null` unless lost. */
  nextTry = $state<number | null>(null);
  /** Counts reconnections: after each, what was missed is fetched anew. */
  generation = $state(0);
}

export const connection = new Connection();
