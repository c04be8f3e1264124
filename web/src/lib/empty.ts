/** What a map says while there is none: why, and when there will be one. */

import { run } from '../state';

export function noMap(waiting: string): { title: string; text: string } {
  if (run.replaying) {
    return { title: 'No map yet at this iteration', text: 'Maps are stored at the diamonds on the time axis.' };
  }
  if (run.phase === 'finished' || run.phase === 'stopped' || run.phase === 'interrupted') {
    return { title: 'No map', text: 'This run ended before it stored a map of this layer.' };
  }
  if (run.window > 0) {
    return {
      title: 'Being drawn',
      text: 'Maps are made beside the training and never hold it up; the first takes a moment.',
    };
  }
  return { title: waiting, text: 'The first window fills this view.' };
}
