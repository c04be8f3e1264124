/** What a viewer prefers; kept in this browser. */

import { readPalette, type Palette } from '../lib/colours';

export type Theme = 'light' | 'dark';

const KEY = 'deepeyes';

class Settings {
  #theme = $state<Theme>('light');
  #singleKeys = $state(true);
  #palette = $state.raw<Palette>(readPalette());
  /** Whether the system asks for less motion. */
  reducedMotion = $state(false);

  constructor() {
    const saved = load();
    const motion = matchMedia('(prefers-reduced-motion: reduce)');
    this.reducedMotion = motion.matches;
    motion.addEventListener('change', () => (this.reducedMotion = motion.matches));
    this.#singleKeys = saved.singleKeys ?? true;
    this.#apply(saved.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
  }

  get theme(): Theme {
    return this.#theme;
  }

  /** The colours to draw with; changes with the theme. */
  get palette(): Palette {
    return this.#palette;
  }

  /** Whether single keys (J, K, Space ...) act. */
  get singleKeys(): boolean {
    return this.#singleKeys;
  }

  set singleKeys(on: boolean) {
    this.#singleKeys = on;
    this.#save();
  }

  setTheme(theme: Theme): void {
    this.#apply(theme);
    this.#save();
  }

  toggleTheme(): void {
    this.setTheme(this.#theme === 'dark' ? 'light' : 'dark');
  }

  #apply(theme: Theme): void {
    document.documentElement.dataset['theme'] = theme;
    this.#theme = theme;
    this.#palette = readPalette();
  }

  #save(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify({ theme: this.#theme, singleKeys: this.#singleKeys }));
    } catch {
      // Storage may be refused (a notebook's frame); the choice then lasts as long as the page.
    }
  }
}

function load(): { theme?: Theme; singleKeys?: boolean } {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as { theme?: Theme; singleKeys?: boolean };
  } catch {
    return {};
  }
}

export const settings = new Settings();
