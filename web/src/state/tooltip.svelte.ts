/** The one tooltip of the page: views hand it a snippet and where to show it. */

import type { Snippet } from 'svelte';

class Tooltip {
  content = $state.raw<Snippet | null>(null);
  x = $state(0);
  y = $state(0);

  show(content: Snippet, x: number, y: number): void {
    this.content = content;
    this.x = x;
    this.y = y;
  }

  hide(): void {
    this.content = null;
  }
}

export const tooltip = new Tooltip();
